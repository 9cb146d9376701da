import { randomUUID } from "node:crypto";

import { z } from "zod";

import { inRange, parseRange } from "../network/addresses";
import { resourceKind, type Properties } from "../cloud/kind";
import { exclusively } from "../cloud/records";
import { ApiError, doing } from "./api";
import { droplets, freeVpcRange, rangesOverlap, vpcs, type VpcRecord } from "./cloud";
import { regionFacts, reservedVpcRanges } from "./facts";
import { isIpv4, text } from "./inputs";

const cidr = z
    .string()
    .refine((value) => /^[^/]+\/\d{1,2}$/.test(value) && isIpv4(value.split("/")[0] ?? ""), {
        error: (issue) => `expected "ip_range" to be a valid IPv4 Value, got ${String(issue.input)}`,
    });

const inputs = z.strictObject({
    name: text,
    region: text,
    description: z.string().max(255).optional(),
    ipRange: cidr.optional(),
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

function outputsOf(vpc: VpcRecord): Properties {
    return {
        name: vpc.name,
        description: vpc.description,
        ipRange: vpc.ipRange,
        vpcUrn: `do:vpc:${vpc.id}`,
        default: vpc.default,
        createdAt: vpc.createdAt,
    };
}

export const vpc = resourceKind({
    type: "digitalocean:index/vpc:Vpc",
    inputs,

    create: (given, { urn }) =>
        doing("creating VPC", () =>
            exclusively(async () => {
                if (!regionFacts[given.region]?.available) {
                    throw new ApiError(422, create, "region is invalid");
                }
                checkName(given.name, create);
                if (given.ipRange !== undefined) {
                    checkRange(given.ipRange);
                }
                const record: VpcRecord = {
                    urn,
                    id: randomUUID(),
                    name: given.name,
                    region: given.region,
                    ipRange: given.ipRange ?? freeVpcRange(),
                    description: given.description ?? "",
                    default: false,
                    createdAt: new Date().toISOString(),
                };
                vpcs.put(record.id, record);
                return { id: record.id, outputs: outputsOf(record) };
            }),
        ),

    read: async ({ id }) => {
        const record = vpcs.get(id);
        return record && outputsOf(record);
    },

    update: ({ id }, given) =>
        doing("updating VPC ", () =>
            exclusively(async () => {
                const record = vpcs.get(id);
                if (!record) {
                    throw new ApiError(404, `PUT /v2/vpcs/${id}`, "Failed to resolve VPC");
                }
                checkName(given.name, `PUT /v2/vpcs/${id}`, id);
                const changed = { ...record, name: given.name, description: given.description ?? "" };
                vpcs.put(id, changed);
                return outputsOf(changed);
            }),
        ),

    delete: ({ id }) =>
        doing("deleting VPC", async () => {
            const deadline = Date.now() + emptyWaitMs;
            while (droplets.all().some((droplet) => droplet.vpcUuid === id)) {
                if (Date.now() > deadline) {
                    throw new ApiError(409, `DELETE /v2/vpcs/${id}`, "Can not delete VPC with members");
                }
                await new Promise((resolve) => setTimeout(resolve, 200));
            }
            vpcs.remove(id);
        }),
});
