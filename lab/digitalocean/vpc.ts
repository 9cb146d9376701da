import { randomUUID } from "node:crypto";
import { isIPv4 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { rangesOverlap } from "../cloud/addresses";
import { resourceKind } from "../cloud/kind";
import { inRange, parseRange } from "../network/addresses";
import { freeVpcRange } from "./addresses";
import { ApiError, changing, doing } from "./api";
import { checkRegion, reservedVpcRanges } from "./facts";
import { text } from "./inputs";
import { droplets, vpcs, type VpcRecord } from "./records";

const cidr = z
    .string()
    .refine((value) => /^[^/]+\/\d{1,2}$/.test(value) && isIPv4(value.split("/")[0] ?? ""), {
        error: (issue) => `expected "ip_range" to be a valid IPv4 Value, got ${String(issue.input)}`,
    });

const create = "POST /v2/vpcs";
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** How long a VPC's removal waits for droplets that are being removed, in ms; the real provider waits two minutes. */
const emptyWaitMs = 120_000;

function checkName(name: string, request: string, self?: string): void {
    if (!/^[a-zA-Z0-9\-.]+$/.test(name)) {
        throw new ApiError(
            422,
            request,
            "name may only contain alphanumeric characters, dashes, and periods",
        );
    }
    if (vpcs.all().some((vpc) => vpc.name === name && vpc.id !== self)) {
        throw new ApiError(422, request, "name must be unique");
    }
}

function checkRange(range: string): void {
    const { length } = parseRange(range);
    const first = range.split("/")[0] ?? "";
    if (length < 16 || length > 28) {
        throw new ApiError(422, create, "ip_range may not be smaller than /28 nor larger than /16");
    }
    if (!privateRanges.some((allowed) => inRange(first, allowed))) {
        throw new ApiError(422, create, "ip_range must be within a private address range of RFC 1918");
    }
    if (reservedVpcRanges.some((reserved) => rangesOverlap(range, reserved))) {
        throw new ApiError(422, create, "This range/size overlaps with a range reserved for internal use");
    }
    if (vpcs.all().some((vpc) => rangesOverlap(range, vpc.ipRange))) {
        throw new ApiError(422, create, "This range/size overlaps with another VPC network in your account");
    }
}

function outputsOf({ id, name, description, ipRange, default: isDefault, createdAt }: VpcRecord) {
    return { name, description, ipRange, vpcUrn: `do:vpc:${id}`, default: isDefault, createdAt };
}

export const vpc = resourceKind({
    type: "digitalocean:index/vpc:Vpc",
    inputs: z.strictObject({
        name: text,
        region: text,
        description: z.string().max(255).optional(),
        ipRange: cidr.optional(),
    }),

    create: ({ name, region, description = "", ipRange }, { urn }) =>
        changing("creating VPC", async () => {
            checkRegion(region, create);
            checkName(name, create);
            if (ipRange !== undefined) {
                checkRange(ipRange);
            }
            const record: VpcRecord = {
                ...{ urn, id: randomUUID(), name, region, description },
                ipRange: ipRange ?? freeVpcRange(),
                default: false,
                createdAt: new Date().toISOString(),
            };
            vpcs.put(record.id, record);
            return { id: record.id, outputs: outputsOf(record) };
        }),

    read: async ({ id }) => {
        const record = vpcs.get(id);
        return record && outputsOf(record);
    },

    update: ({ id }, { name, description = "" }) =>
        changing("updating VPC ", async () => {
            const record = vpcs.get(id);
            if (!record) {
                throw new ApiError(404, `PUT /v2/vpcs/${id}`, "Failed to resolve VPC");
            }
            checkName(name, `PUT /v2/vpcs/${id}`, id);
            const changed = { ...record, name, description };
            vpcs.put(id, changed);
            return outputsOf(changed);
        }),

    delete: ({ id }) =>
        doing("deleting VPC", async () => {
            const deadline = Date.now() + emptyWaitMs;
            while (droplets.all().some((droplet) => droplet.vpcUuid === id)) {
                if (Date.now() > deadline) {
                    throw new ApiError(409, `DELETE /v2/vpcs/${id}`, "Can not delete VPC with members");
                }
                await sleep(200);
            }
            vpcs.remove(id);
        }),
});
