import { randomBytes } from "node:crypto";

import { z } from "zod";

import { Records } from "../cloud/records";

/* What the lab's Cloudflare holds. */

/** Where a record comes from: the URN in the stack. Its id: 32 hexadecimal digits. */
const origin = { urn: z.string(), id: z.string(), createdOn: z.string() };

const monitorRecord = z.object({
    ...origin,
    accountId: z.string(),
    type: z.string(),
    method: z.string(),
    path: z.string(),
    /** 0: the type's usual one. */
    port: z.int(),
    header: z.record(z.string(), z.array(z.string())),
    expectedCodes: z.string(),
    intervalSeconds: z.number(),
    timeoutSeconds: z.number(),
    retries: z.number(),
    consecutiveUp: z.number(),
    consecutiveDown: z.number(),
});
export type MonitorRecord = z.infer<typeof monitorRecord>;

const poolRecord = z.object({
    ...origin,
    accountId: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    monitor: z.string().optional(),
    minimumOrigins: z.int(),
    origins: z.array(
        z.object({
            name: z.string(),
            address: z.string(),
            enabled: z.boolean(),
            weight: z.number(),
        }),
    ),
    /** How one member is chosen; by weight unless given. */
    steering: z.string().optional(),
});
export type PoolRecord = z.infer<typeof poolRecord>;

const balancerRecord = z.object({
    ...origin,
    zoneId: z.string(),
    /** The host name, in full. */
    name: z.string(),
    enabled: z.boolean(),
    proxied: z.boolean(),
    ttlSeconds: z.number(),
    steeringPolicy: z.string(),
    /** Ids of pools, as are all below. */
    defaultPools: z.array(z.string()),
    fallbackPool: z.string(),
    regionPools: z.record(z.string(), z.array(z.string())),
});
export type BalancerRecord = z.infer<typeof balancerRecord>;

const nameRecord = z.object({
    ...origin,
    zoneId: z.string(),
    /** In full. */
    name: z.string(),
    type: z.string(),
    content: z.string(),
    /** 1: as the provider sees fit. */
    ttlSeconds: z.number(),
    proxied: z.boolean(),
});
export type NameRecord = z.infer<typeof nameRecord>;

export const monitors = new Records("cloudflare-monitor", monitorRecord);
export const pools = new Records("cloudflare-pool", poolRecord);
export const balancers = new Records("cloudflare-load-balancer", balancerRecord);
export const names = new Records("cloudflare-dns-record", nameRecord);

/** What each list of the account holds. */
export interface Lists {
    monitors: MonitorRecord;
    pools: PoolRecord;
    balancers: BalancerRecord;
    names: NameRecord;
}

export const tables: { readonly [List in keyof Lists]: Records<Lists[List]> } = {
    monitors,
    pools,
    balancers,
    names,
};

/** All that names are made of. */
export type DnsData = { [List in keyof Lists]: Lists[List][] };

export function readDnsData(): DnsData {
    return { monitors: monitors.all(), pools: pools.all(), balancers: balancers.all(), names: names.all() };
}

/** A fresh id, as the API gives them. */
export function newId(): string {
    return randomBytes(16).toString("hex");
}
