import { z } from "zod";

import { Records } from "../cloud/records";

/* What the lab's DigitalOcean holds. */

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

const ruleRecord = z.object({
    protocol: z.enum(["tcp", "udp", "icmp"]),
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

const tagRecord = z.object({ ...origin, name: z.string() });

export const droplets = new Records("droplet", dropletRecord);
export const vpcs = new Records("vpc", vpcRecord);
export const reservedIps = new Records("reserved-ip", reservedIpRecord);
export const sshKeys = new Records("ssh-key", sshKeyRecord);
export const firewalls = new Records("firewall", firewallRecord);
export const volumes = new Records("volume", volumeRecord);
export const tags = new Records("tag", tagRecord);
