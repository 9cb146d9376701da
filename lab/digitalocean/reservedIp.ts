import { randomBytes } from "node:crypto";

import { z } from "zod";

import { resourceKind, type Properties } from "../cloud/kind";
import { exclusively } from "../cloud/records";
import { ApiError, doing } from "./api";
import { backend } from "./backend";
import { droplets, freeReservedAddress, reservedIps, type ReservedIpRecord } from "./cloud";
import { regionFacts } from "./facts";
import { enforceFirewalls } from "./firewallRules";
import { ipv4, text } from "./inputs";

/**
 * What happens when an address is to be taken from a droplet that is gone: the provider looks at the holder's id without
 * asking whether there is one (resource_reserved_ip_assignment.go:105, version 2.99.1), and its process ends.
 */
const panic =
    "rpc error: code = Unavailable desc = error reading from server: EOF (the provider ended: panic: runtime error: " +
    "invalid memory address or nil pointer dereference, in resourceDigitalOceanReservedIPAssignmentDelete)";

/** Moves a reserved address to a droplet, or takes it from everyone. Call it within `exclusively`. */
async function assign(ip: string, dropletId: number | undefined): Promise<ReservedIpRecord> {
    const request = `POST /v2/reserved_ips/${ip}/actions`;
    const record = reservedIps.get(ip);
    if (!record) {
        throw new ApiError(404, request, "The resource you were accessing could not be found.");
    }
    const droplet = dropletId === undefined ? undefined : droplets.get(String(dropletId));
    if (dropletId !== undefined && !droplet) {
        throw new ApiError(404, request, "The resource you were accessing could not be found.");
    }
    if (droplet && droplet.region !== record.region) {
        throw new ApiError(422, request, "Reserved IP and Droplet must be in the same region.");
    }
    const holder = reservedIps.all().find((other) => other.ip !== ip && other.dropletId === dropletId);
    if (droplet && holder) {
        throw new ApiError(422, request, "The Droplet already has a reserved IP.");
    }
    const changed: ReservedIpRecord = { ...record, dropletId };
    await backend().assign(ip, droplet);
    reservedIps.put(ip, changed);
    await enforceFirewalls();
    return changed;
}

function outputsOf(record: ReservedIpRecord): Properties {
    return { region: record.region, ipAddress: record.ip, reservedIpUrn: `do:reservedip:${record.ip}` };
}

/** Takes a reserved address from the cloud. */
export async function removeReservedIp(ip: string): Promise<void> {
    await exclusively(async () => {
        if (reservedIps.get(ip)) {
            await assign(ip, undefined);
            reservedIps.remove(ip);
        }
    });
}

export const reservedIp = resourceKind({
    type: "digitalocean:index/reservedIp:ReservedIp",
    inputs: z.strictObject({
        region: text,
        dropletId: z.int().optional(),
        ipAddress: ipv4.optional(),
    }),

    create: (given, { urn }) =>
        doing("creating reserved IP", () =>
            exclusively(async () => {
                if (!regionFacts[given.region]?.available) {
                    throw new ApiError(422, "POST /v2/reserved_ips", "region is invalid");
                }
                const ip = freeReservedAddress();
                const record: ReservedIpRecord = { urn, ip, region: given.region };
                reservedIps.put(ip, record);
                try {
                    const assigned =
                        given.dropletId === undefined ? record : await assign(ip, given.dropletId);
                    return { id: ip, outputs: outputsOf(assigned) };
                } catch (error) {
                    reservedIps.remove(ip);
                    throw error;
                }
            }),
        ),

    read: async ({ id }) => {
        const record = reservedIps.get(id);
        return record && outputsOf(record);
    },

    update: ({ id }, given) =>
        doing(`assigning reserved IP (${id}) to the Droplet`, () =>
            exclusively(async () => outputsOf(await assign(id, given.dropletId))),
        ),

    delete: ({ id }) => doing("deleting reserved IP", () => removeReservedIp(id)),
});

export const reservedIpAssignment = resourceKind({
    type: "digitalocean:index/reservedIpAssignment:ReservedIpAssignment",
    inputs: z.strictObject({ ipAddress: ipv4, dropletId: z.int().positive() }),

    create: (given) =>
        doing(`Assigning reserved IP (${given.ipAddress}) to the droplet`, () =>
            exclusively(async () => {
                await assign(given.ipAddress, given.dropletId);
                const unique = randomBytes(8).toString("hex");
                return { id: `${given.dropletId}-${given.ipAddress}-${unique}`, outputs: {} };
            }),
        ),

    read: async ({ inputs, outputs }) =>
        reservedIps.get(inputs.ipAddress)?.dropletId === inputs.dropletId ? outputs : undefined,

    // A replacement has moved the address to the new droplet already; only its last holder gives it back.
    delete: ({ inputs }) =>
        exclusively(async () => {
            const { ipAddress, dropletId } = inputs;
            const record = reservedIps.get(ipAddress);
            if (!record) {
                const request = `GET /v2/reserved_ips/${ipAddress}`;
                throw new ApiError(404, request, "The resource you were accessing could not be found.");
            }
            if (record.dropletId === undefined) {
                throw new Error(panic);
            }
            if (record.dropletId === dropletId) {
                await assign(ipAddress, undefined);
            }
        }),
});
