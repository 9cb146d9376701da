import { z } from "zod";

import { inRange, machineAddress, parseRange, reservedAddress } from "../../network/addresses";
import { readNetwork } from "../../network/state";
import { reservedIps } from "../../digitalocean/records";
import { Records } from "../../cloud/records";

/* What the lab's EC2 holds of networks, and the addresses it gives out. Groups are in groups.ts. */

/** Where a record comes from: the URN in the stack, and the region it is in. */
export const origin = { urn: z.string(), region: z.string() };

const vpcRecord = z.object({ ...origin, id: z.string(), cidr: z.string() });
export type VpcRecord = z.infer<typeof vpcRecord>;

const subnetRecord = z.object({
    ...origin,
    id: z.string(),
    vpcId: z.string(),
    zone: z.string(),
    cidr: z.string(),
    mapPublicIp: z.boolean(),
});
export type SubnetRecord = z.infer<typeof subnetRecord>;

const gatewayRecord = z.object({ ...origin, id: z.string(), vpcId: z.string().optional() });

const routeTableRecord = z.object({
    ...origin,
    id: z.string(),
    vpcId: z.string(),
    routes: z.array(z.object({ cidr: z.string(), gatewayId: z.string() })),
});
export type RouteTableRecord = z.infer<typeof routeTableRecord>;

const associationRecord = z.object({
    ...origin,
    id: z.string(),
    routeTableId: z.string(),
    subnetId: z.string(),
});

const securityGroupRecord = z.object({ ...origin, id: z.string(), vpcId: z.string(), name: z.string() });
export type SecurityGroupRecord = z.infer<typeof securityGroupRecord>;

const ruleRecord = z.object({
    ...origin,
    id: z.string(),
    direction: z.enum(["ingress", "egress"]),
    groupId: z.string(),
    protocol: z.enum(["tcp", "udp", "icmp", "-1"]),
    /** -1 for all, as the API has it. */
    fromPort: z.int(),
    toPort: z.int(),
    /** Either a range, IPv6 perhaps, or the instances of a group. */
    cidr: z.string().optional(),
    peerGroupId: z.string().optional(),
});
export type SecurityRuleRecord = z.infer<typeof ruleRecord>;

const eipRecord = z.object({ ...origin, id: z.string(), address: z.string() });
export type EipRecord = z.infer<typeof eipRecord>;

const templateVersion = z.object({
    number: z.int(),
    imageId: z.string(),
    instanceType: z.string(),
    /** In base64, as given; instances may read it, so it holds no secret. */
    userData: z.string(),
    securityGroupIds: z.array(z.string()),
    /** Name of an instance profile. */
    profile: z.string().optional(),
    metadataHops: z.int(),
    metadataTags: z.boolean(),
    /** Of instances. */
    tags: z.record(z.string(), z.string()),
});
export type TemplateVersion = z.infer<typeof templateVersion>;

const templateRecord = z.object({
    ...origin,
    id: z.string(),
    name: z.string(),
    defaultVersion: z.int(),
    versions: z.array(templateVersion),
});
export type TemplateRecord = z.infer<typeof templateRecord>;

const budgetRecord = z.object({ urn: z.string(), id: z.string(), name: z.string() });

export const vpcs = new Records("aws-vpc", vpcRecord);
export const subnets = new Records("aws-subnet", subnetRecord);
export const gateways = new Records("aws-internet-gateway", gatewayRecord);
export const routeTables = new Records("aws-route-table", routeTableRecord);
export const associations = new Records("aws-route-table-association", associationRecord);
export const securityGroups = new Records("aws-security-group", securityGroupRecord);
export const securityRules = new Records("aws-security-group-rule", ruleRecord);
export const eips = new Records("aws-eip", eipRecord);
export const templates = new Records("aws-launch-template", templateRecord);
export const budgets = new Records("aws-budget", budgetRecord);

/** A template's version: a number, `$Latest` or `$Default`. */
export function versionOf(template: TemplateRecord, version: string): TemplateVersion | undefined {
    const latest = template.versions.at(-1)?.number;
    const wanted =
        version === "$Latest" ? latest : version === "$Default" ? template.defaultVersion : Number(version);
    return template.versions.find(({ number }) => number === wanted);
}

/** The lowest number whose address nobody has. */
function firstFree(candidate: (n: number) => string, taken: ReadonlySet<string>): string {
    for (let n = 0; ; n++) {
        const value = candidate(n);
        if (!taken.has(value)) {
            return value;
        }
    }
}

/** From the end of the reserved range: DigitalOcean gives them out from its beginning. */
export function freeElasticAddress(): string {
    const taken = [...reservedIps.ids(), ...eips.all().map(({ address }) => address)];
    return firstFree((n) => reservedAddress(253 - n), new Set(taken));
}

/** Addresses on the network, and more that are spoken for. */
function takenAddresses(more: readonly string[]): Set<string> {
    const endpoints = Object.values(readNetwork().endpoints);
    return new Set([...endpoints.flatMap((one) => [one.address, one.private?.address ?? ""]), ...more]);
}

export function freeInstanceAddress(region: string, more: readonly string[]): string {
    const taken = takenAddresses(more);
    return firstFree((n) => machineAddress(region, n), taken);
}

/** The lowest free address of a subnet. The first four belong to Amazon. */
export function freeSubnetAddress(subnet: SubnetRecord, more: readonly string[]): string {
    const { base, length } = parseRange(subnet.cidr);
    const taken = takenAddresses(more);
    return firstFree((n) => {
        if (n + 5 >= 2 ** (32 - length)) {
            throw new Error(`There are not enough free addresses in subnet '${subnet.id}'.`);
        }
        return [24, 16, 8, 0].map((shift) => ((base + n + 4) >>> shift) & 255).join(".");
    }, taken);
}

export function rangesOverlap(one: string, other: string): boolean {
    const first = (range: string): string => range.split("/")[0] ?? "";
    return inRange(first(one), other) || inRange(first(other), one);
}
