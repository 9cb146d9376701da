import { createHash } from "node:crypto";

import { z } from "zod";

import { exclusively, nextNumber } from "../cloud/records";
import { resourceKind } from "../cloud/kind";
import { defaultVpc, freePrivateAddress, freePublicAddress } from "./addresses";
import { ApiError, changing, doing, notFound } from "./api";
import { backend } from "./backend";
import { checkRegion, imageSlugs, maxUserDataBytes, sizeFacts } from "./facts";
import { enforceFirewalls } from "./firewallRules";
import { oneOf, tags, text } from "./inputs";
import { droplets, reservedIps, sshKeys, vpcs, type DropletRecord, type VpcRecord } from "./records";
import { changeVolumes, freeVolumes, recordVolumes, volumesOf } from "./volume";

const inputs = z.strictObject({
    image: text,
    size: text,
    name: text,
    region: text.optional(),
    sshKeys: z.array(text).optional(),
    tags: tags.optional(),
    userData: text.optional(),
    vpcUuid: text.optional(),
    volumeIds: z.array(text).optional(),
    monitoring: z.boolean().default(false),
    ipv6: z.literal(false, { error: "the lab cloud has IPv4 only" }).default(false),
    backups: z.boolean().default(false),
    backupPolicy: z
        .strictObject({
            plan: oneOf(["daily", "weekly"]).optional(),
            weekday: oneOf(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]).optional(),
            hour: z.int().min(0).max(20).optional(),
        })
        .optional(),
    dropletAgent: z.boolean().optional(),
    gracefulShutdown: z.boolean().default(false),
    resizeDisk: z.boolean().default(true),
    publicNetworking: z.literal(true, { error: "the lab cloud's droplets are public" }).optional(),
});

type Inputs = z.output<typeof inputs>;

const create = "POST /v2/droplets";
const hostname = /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/;

function checkName(name: string, request: string): void {
    if (!hostname.test(name) || name.length > 255) {
        throw new ApiError(
            422,
            request,
            "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
        );
    }
}

function checkPlace(given: Inputs): string {
    const region = given.region ?? "nyc3";
    checkRegion(region, create, "You specified an invalid region for Droplet creation.");
    if (!(given.size in sizeFacts)) {
        throw new ApiError(422, create, "You specified an invalid size for Droplet creation.");
    }
    if (!imageSlugs.includes(given.image)) {
        throw new ApiError(422, create, "You specified an invalid image for Droplet creation.");
    }
    return region;
}

function keysOf(given: Inputs): number[] {
    const known = sshKeys.all();
    const wanted = given.sshKeys ?? [];
    const found = wanted.map((one) =>
        known.find(({ id, fingerprint }) => [String(id), fingerprint].includes(one)),
    );
    const unknown = wanted.filter((_, index) => found[index] === undefined);
    if (unknown.length > 0) {
        const reason = `${unknown.join(", ")} are invalid key identifiers for Droplet creation.`;
        throw new ApiError(422, create, reason);
    }
    return found.flatMap((key) => key?.id ?? []);
}

function vpcOf(given: Inputs, region: string): VpcRecord {
    if (given.vpcUuid === undefined) {
        return defaultVpc(region);
    }
    const vpc = vpcs.get(given.vpcUuid);
    if (!vpc) {
        throw new ApiError(422, create, "Failed to resolve VPC");
    }
    if (vpc.region !== region) {
        throw new ApiError(422, create, "VPC is not in the same region as the Droplet");
    }
    return vpc;
}

/** Refuses what the API refuses, and gives the droplet its number and addresses. */
function admit(given: Inputs, urn: string): DropletRecord {
    const region = checkPlace(given);
    checkName(given.name, create);
    if (Buffer.byteLength(given.userData ?? "") > maxUserDataBytes) {
        throw new ApiError(422, create, "User data is too long (maximum is 64 KiB)");
    }
    if (given.backupPolicy && !given.backups) {
        throw new Error("backup_policy can only be set when backups are enabled");
    }
    const keys = keysOf(given);
    const vpc = vpcOf(given, region);
    return {
        urn,
        id: nextNumber("droplet", 400_000_001),
        name: given.name,
        region,
        size: given.size,
        image: given.image,
        userDataSha1: given.userData ? createHash("sha1").update(given.userData).digest("hex") : "",
        sshKeys: keys,
        vpcUuid: vpc.id,
        tags: given.tags ?? [],
        address: freePublicAddress(region),
        privateAddress: freePrivateAddress(vpc),
        status: "new",
        createdAt: new Date().toISOString(),
    };
}

function outputsOf(droplet: DropletRecord) {
    const facts = sizeFacts[droplet.size];
    return {
        name: droplet.name,
        region: droplet.region,
        size: droplet.size,
        vpcUuid: droplet.vpcUuid,
        tags: droplet.tags,
        // As the real provider: a state holds the hash only.
        userData: droplet.userDataSha1 === "" ? undefined : droplet.userDataSha1,
        createdAt: droplet.createdAt,
        disk: facts?.diskGiB,
        dropletUrn: `do:droplet:${droplet.id}`,
        ipv4Address: droplet.address,
        ipv4AddressPrivate: droplet.privateAddress,
        ipv6Address: "",
        locked: false,
        memory: facts?.memoryMiB,
        priceHourly: facts && Math.round((facts.monthlyUsd / 672) * 1e5) / 1e5,
        priceMonthly: facts?.monthlyUsd,
        privateNetworking: true,
        publicNetworking: true,
        status: droplet.status,
        vcpus: facts?.vcpus,
        volumeIds: volumesOf(droplet.id).map((volume) => volume.id),
    };
}

/**
 * Takes a droplet away with its machine, its addresses and its part in firewalls.
 *
 * @param gracefully whether it is shut down first. Otherwise its volumes are taken from the running machine.
 */
export async function removeDroplet(id: number, gracefully = false): Promise<void> {
    await exclusively(async () => {
        const record = droplets.get(String(id));
        if (record) {
            // From here on nobody gives rules or addresses to its machine, which is about to go.
            droplets.put(String(id), { ...record, status: "going" });
        }
        for (const reserved of reservedIps.all().filter((other) => other.dropletId === id)) {
            await backend().assign(reserved.ip, undefined);
            reservedIps.put(reserved.ip, { ...reserved, dropletId: undefined });
        }
    });
    if (gracefully) {
        await backend().shutDown(id);
    }
    await exclusively(async () => recordVolumes(id, [], gracefully));
    await backend().destroy(id);
    await exclusively(async () => {
        droplets.remove(String(id));
        await enforceFirewalls();
    });
}

/** Takes the newest droplet of a name away, behind Pulumi's back. @throws with the names there are. */
export async function loseDroplet(name: string): Promise<void> {
    const all = droplets.all();
    const newest = all.filter((one) => one.name === name).sort((one, other) => other.id - one.id)[0];
    if (!newest) {
        const names = [...new Set(all.map((one) => one.name))].sort();
        throw new Error(
            `there is no droplet ${JSON.stringify(name)}; there are ${names.join(", ") || "none"}`,
        );
    }
    await removeDroplet(newest.id);
}

function publicKeysOf(droplet: DropletRecord): string[] {
    return droplet.sshKeys.flatMap((id) => sshKeys.get(String(id))?.publicKey ?? []);
}

export const droplet = resourceKind({
    type: "digitalocean:index/droplet:Droplet",
    inputs,
    sets: ["sshKeys", "tags", "volumeIds"],

    create: (given, { urn }) =>
        doing("creating droplet", async () => {
            const record = await exclusively(async () => {
                const admitted = admit(given, urn);
                const attached = freeVolumes(given.volumeIds ?? [], admitted.region, create);
                droplets.put(String(admitted.id), admitted);
                recordVolumes(
                    admitted.id,
                    attached.map((volume) => volume.id),
                );
                return admitted;
            });
            try {
                const { userData = "" } = given;
                await backend().create(record, userData, publicKeysOf(record), volumesOf(record.id));
            } catch (error) {
                await removeDroplet(record.id);
                throw error;
            }
            const active: DropletRecord = { ...record, status: "active" };
            await exclusively(async () => {
                droplets.put(String(active.id), active);
                await enforceFirewalls();
            });
            return { id: String(active.id), outputs: outputsOf(active) };
        }),

    read: async ({ id }) => {
        const record = droplets.get(id);
        // A reserved address stands among the droplet's networks, in an order that nobody promises; the provider takes
        // the first public one. Here it is always the reserved one, so that nothing can come to depend on the other.
        const reserved = reservedIps.all().find(({ dropletId }) => String(dropletId) === id);
        return record && { ...outputsOf(record), ...(reserved && { ipv4Address: reserved.ip }) };
    },

    update: ({ id }, given) =>
        changing("updating droplet", async () => {
            const record = droplets.get(id);
            if (!record) {
                throw new Error(`droplet (${id}) not found during update`);
            }
            const changed = { ...record, name: given.name, size: given.size, tags: given.tags ?? [] };
            if (changed.name !== record.name) {
                checkName(given.name, `POST /v2/droplets/${id}/actions`);
            }
            if (changed.size !== record.size) {
                checkResize(record, given);
            }
            // Without the property, whatever is attached stays.
            if (given.volumeIds !== undefined) {
                await changeVolumes(record, given.volumeIds);
            }
            droplets.put(id, changed);
            if (changed.size !== record.size) {
                await backend().restart(changed);
            }
            await enforceFirewalls();
            return outputsOf(changed);
        }),

    // The provider first looks whether the droplet is locked, and takes one that is gone for an error there
    // (resource_droplet.go, `waitForDropletAttribute`).
    delete: async ({ id, inputs: given }) => {
        if (!droplets.get(id)) {
            const { message } = notFound(`GET /v2/droplets/${id}`);
            throw new Error(
                `Error waiting for droplet to be unlocked for destroy (${id}): Error retrieving droplet: ${message}`,
            );
        }
        await removeDroplet(Number(id), given.gracefulShutdown);
    },
});

function checkResize(record: DropletRecord, given: Inputs): void {
    const request = `POST /v2/droplets/${record.id}/actions`;
    const wanted = sizeFacts[given.size];
    if (!wanted) {
        throw new ApiError(422, request, "You specified an invalid size for Droplet creation.");
    }
    if (wanted.diskGiB < (sizeFacts[record.size]?.diskGiB ?? 0)) {
        throw new ApiError(422, request, "This size is not available because it has a smaller disk.");
    }
}
