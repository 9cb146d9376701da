import { randomUUID } from "node:crypto";

import { z } from "zod";

import { inRange, machineAddress, parseRange, reservedAddress } from "../network/addresses";
import { nextNumber, Records } from "../cloud/records";
import { reservedVpcRanges } from "./facts";

/* What the lab's DigitalOcean holds, and what it gives out: ids, addresses, ranges. */

/** Where a record comes from: the URN in the stack, or absent when the cloud made it by itself. */
const origin = { urn: z.string().optional() };

const dropletRecord = z.object({
    ...origin,
    /** As the API's: a number. */
    id: z.int(),
    name: z.string(),
    region: z.string(),
    size: z.string(),
    image: z.string(),
    /** Of the user data; the text itself is on the machine's disk only. Empty without user data. */
    userDataSha1: z.string(),
    /** Ids of SSH keys. */
    sshKeys: z.array(z.int()),
    vpcUuid: z.string(),
    tags: z.array(z.string()),
    address: z.string(),
    privateAddress: z.string(),
    /** `active` while the machine exists; only then firewalls and reserved addresses can be on it. */
    status: z.enum(["new", "active", "going"]),
    createdAt: z.string(),
});
export type DropletRecord = z.infer<typeof dropletRecord>;

const vpcRecord = z.object({
    ...origin,
    id: z.string(),
    name: z.string(),
    region: z.string(),
    ipRange: z.string(),
    description: z.string(),
    default: z.boolean(),
    createdAt: z.string(),
});
export type VpcRecord = z.infer<typeof vpcRecord>;

const reservedIpRecord = z.object({
    ...origin,
    ip: z.string(),
    region: z.string(),
    dropletId: z.int().optional(),
});
export type ReservedIpRecord = z.infer<typeof reservedIpRecord>;

const sshKeyRecord = z.object({
    ...origin,
    id: z.int(),
    name: z.string(),
    publicKey: z.string(),
    fingerprint: z.string(),
});
export type SshKeyRecord = z.infer<typeof sshKeyRecord>;

const ruleRecord = z.object({
    protocol: z.string(),
    portRange: z.string().optional(),
    addresses: z.array(z.string()),
    dropletIds: z.array(z.int()),
    tags: z.array(z.string()),
});
export type RuleRecord = z.infer<typeof ruleRecord>;

const firewallRecord = z.object({
    ...origin,
    id: z.string(),
    name: z.string(),
    dropletIds: z.array(z.int()),
    tags: z.array(z.string()),
    inbound: z.array(ruleRecord),
    outbound: z.array(ruleRecord),
    createdAt: z.string(),
});
export type FirewallRecord = z.infer<typeof firewallRecord>;

const volumeRecord = z.object({
    ...origin,
    id: z.string(),
    name: z.string(),
    region: z.string(),
    sizeGiB: z.int(),
    /** `ext4` or `xfs`; empty for a disk that nobody has formatted. */
    filesystem: z.string(),
    label: z.string(),
    tags: z.array(z.string()),
    dropletId: z.int().optional(),
    /**
     * Whether its file system was unmounted when it was last detached. One that is taken from a running droplet needs
     * its journal at the next mount, and lacks what was not written yet.
     */
    clean: z.boolean(),
});
export type VolumeRecord = z.infer<typeof volumeRecord>;

/** What has no local meaning: checked, and recorded by name alone, since alerts may hold secret addresses. */
const plainRecord = z.object({ ...origin, id: z.string(), kind: z.string(), name: z.string() });
export type PlainRecord = z.infer<typeof plainRecord>;

export const droplets = new Records("droplet", dropletRecord);
export const vpcs = new Records("vpc", vpcRecord);
export const reservedIps = new Records("reserved-ip", reservedIpRecord);
export const sshKeys = new Records("ssh-key", sshKeyRecord);
export const firewalls = new Records("firewall", firewallRecord);
export const volumes = new Records("volume", volumeRecord);
export const others = new Records("other", plainRecord);

export function nextDropletId(): number {
    return nextNumber("droplet", 400_000_001);
}

export function nextKeyId(): number {
    return nextNumber("ssh-key", 50_000_001);
}

function firstFree<T>(candidate: (n: number) => T, taken: ReadonlySet<T>): T {
    for (let n = 0; ; n++) {
        const value = candidate(n);
        if (!taken.has(value)) {
            return value;
        }
    }
}

export function freePublicAddress(region: string): string {
    const taken = new Set(droplets.all().map((droplet) => droplet.address));
    return firstFree((n) => machineAddress(region, n), taken);
}

export function freeReservedAddress(): string {
    return firstFree(reservedAddress, new Set(reservedIps.ids()));
}

function addressAt(base: number, n: number): string {
    return [24, 16, 8, 0].map((shift) => ((base + n) >>> shift) & 255).join(".");
}

/** The lowest free private address of a VPC. The first two belong to the network and its router. */
export function freePrivateAddress(vpc: VpcRecord): string {
    const { base } = parseRange(vpc.ipRange);
    const taken = new Set(droplets.all().map((droplet) => droplet.privateAddress));
    return firstFree((n) => addressAt(base, n + 2), taken);
}

export function rangesOverlap(one: string, other: string): boolean {
    const first = (range: string): string => range.split("/")[0] ?? "";
    return inRange(first(one), other) || inRange(first(other), one);
}

export function freeVpcRange(): string {
    const taken = [...reservedVpcRanges, ...vpcs.all().map((vpc) => vpc.ipRange)];
    for (let n = 100; n < 220; n++) {
        const range = `10.${n}.0.0/20`;
        if (!taken.some((other) => rangesOverlap(range, other))) {
            return range;
        }
    }
    throw new Error("the lab has no private range left");
}

/** A region's default VPC, where droplets go that name none; made when first needed, as there. */
export function defaultVpc(region: string): VpcRecord {
    const present = vpcs.all().find((vpc) => vpc.default && vpc.region === region);
    if (present) {
        return present;
    }
    const vpc: VpcRecord = {
        id: randomUUID(),
        name: `default-${region}`,
        region,
        ipRange: freeVpcRange(),
        description: "",
        default: true,
        createdAt: new Date().toISOString(),
    };
    vpcs.put(vpc.id, vpc);
    return vpc;
}
