import { randomBytes } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { exclusively } from "../cloud/records";
import { freeReservedAddress } from "./addresses";
import { ApiError, changing, doing, notFound } from "./api";
import { backend } from "./backend";
import { checkRegion } from "./facts";
import { enforceFirewalls } from "./firewallRules";
import { ipv4, text } from "./inputs";
import { droplets, reservedIps, type ReservedIpRecord } from "./records";

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
    const droplet = dropletId === undefined ? undefined : droplets.get(String(dropletId));
    if (!record || (dropletId !== undefined && !droplet)) {
        throw notFound(request);
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

function outputsOf(record: ReservedIpRecord) {
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

    create: ({ region, dropletId }, { urn }) =>
        changing("creating reserved IP", async () => {
            checkRegion(region, "POST /v2/reserved_ips");
            const ip = freeReservedAddress();
            const record: ReservedIpRecord = { urn, ip, region };
            reservedIps.put(ip, record);
            try {
                const assigned = dropletId === undefined ? record : await assign(ip, dropletId);
                return { id: ip, outputs: outputsOf(assigned) };
            } catch (error) {
                reservedIps.remove(ip);
                throw error;
            }
        }),

    read: async ({ id }) => {
        const record = reservedIps.get(id);
        return record && outputsOf(record);
    },

    update: ({ id }, given) =>
        changing(`assigning reserved IP (${id}) to the Droplet`, async () =>
            outputsOf(await assign(id, given.dropletId)),
        ),

    delete: ({ id }) => doing("deleting reserved IP", () => removeReservedIp(id)),
});

export const reservedIpAssignment = resourceKind({
    type: "digitalocean:index/reservedIpAssignment:ReservedIpAssignment",
    inputs: z.strictObject({ ipAddress: ipv4, dropletId: z.int().positive() }),

    create: ({ ipAddress, dropletId }) =>
        changing(`Assigning reserved IP (${ipAddress}) to the droplet`, async () => {
            await assign(ipAddress, dropletId);
            return { id: `${dropletId}-${ipAddress}-${randomBytes(8).toString("hex")}`, outputs: {} };
        }),

    read: async ({ inputs, outputs }) =>
        reservedIps.get(inputs.ipAddress)?.dropletId === inputs.dropletId ? outputs : undefined,

    // A replacement has moved the address to the new droplet already; only its last holder gives it back.
    delete: ({ inputs }) =>
        exclusively(async () => {
            const { ipAddress, dropletId } = inputs;
            const record = reservedIps.get(ipAddress);
            if (!record) {
                throw notFound(`GET /v2/reserved_ips/${ipAddress}`);
            }
            if (record.dropletId === undefined) {
                throw new Error(panic);
            }
            if (record.dropletId === dropletId) {
                await assign(ipAddress, undefined);
            }
        }),
});
