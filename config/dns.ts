import { z } from "zod";

import { cloudflarePlans } from "./catalogue";

const cloudflareId = z
    .string()
    .regex(
        /^[0-9a-f]{32}$/,
        "use the 32 hexadecimal digits that Cloudflare shows on the zone's overview page",
    );

const seconds = (least: number, most: number) =>
    z
        .int({ error: `use a whole number of seconds, ${least} to ${most}` })
        .min(least, `use ${least} to ${most} seconds`)
        .max(most, `use ${least} to ${most} seconds`);

const count = z.int({ error: "use a whole number" }).min(1, "use a number above 0").optional();

/** `dns` of a station: who serves its names, and how closely health is watched. */
export const dnsSchema = z.strictObject({
    accountId: cloudflareId,
    zoneId: cloudflareId,
    plan: z
        .enum(["free", "pro", "business", "enterprise"], { error: "use free, pro, business or enterprise" })
        .default("pro"),
    /** How long resolvers keep an answer: the time a listener may still be sent to a Relay that is gone. */
    ttlSeconds: seconds(30, 3600).default(30),
    check: z
        .strictObject({
            /** The plan's shortest unless given. */
            intervalSeconds: seconds(1, 3600).optional(),
            timeoutSeconds: seconds(1, 10).default(5),
            retries: z.int().min(0, "use 0 to 5 retries").max(5, "use 0 to 5 retries").default(1),
            /** Failed checks in a row until a machine is down. */
            downAfter: z.int().min(1, "use 1 to 10 checks").max(10, "use 1 to 10 checks").default(2),
            /** Good checks in a row until it is up again. */
            upAfter: z.int().min(1, "use 1 to 10 checks").max(10, "use 1 to 10 checks").default(2),
        })
        .prefault({}),
    /** What the contract allows, where that differs from the plan's usual limits. */
    limits: z
        .strictObject({
            balancers: count,
            pools: count,
            endpoints: count,
            minimumIntervalSeconds: count,
            minimumRecordTtlSeconds: count,
        })
        .prefault({}),
});

export type DnsConfig = z.output<typeof dnsSchema>;

/** The limits in force: the plan's, unless the contract says otherwise. */
export function dnsLimits(dns: DnsConfig): Required<{ [K in keyof DnsConfig["limits"]]: number }> {
    const plan = cloudflarePlans[dns.plan];
    return {
        balancers: dns.limits.balancers ?? plan.balancers,
        pools: dns.limits.pools ?? plan.pools,
        endpoints: dns.limits.endpoints ?? plan.endpoints,
        minimumIntervalSeconds: dns.limits.minimumIntervalSeconds ?? plan.minimumIntervalSeconds,
        minimumRecordTtlSeconds: dns.limits.minimumRecordTtlSeconds ?? plan.minimumRecordTtlSeconds,
    };
}

/** How often health is checked, in seconds. */
export function checkIntervalSeconds(dns: DnsConfig): number {
    return dns.check.intervalSeconds ?? dnsLimits(dns).minimumIntervalSeconds;
}

/** TTL of plain records, in seconds: the balanced names' where the plan allows it. */
export function recordTtlSeconds(dns: DnsConfig): number {
    return Math.max(dns.ttlSeconds, dnsLimits(dns).minimumRecordTtlSeconds);
}

/** Names of a station that are balanced: `stream` and `ingest`. */
const balancedNames = 2;

/** Adds a mistake for everything the station needs beyond what the DNS plan allows. */
export function refuseBeyondPlan(
    station: {
        dns: DnsConfig;
        masters: readonly unknown[];
        relays: readonly { count: number }[];
        canary?: { zones: readonly unknown[] };
    },
    context: z.core.$RefinementCtx,
): void {
    const limits = dnsLimits(station.dns);
    const needs = {
        balancers: balancedNames,
        pools: station.relays.length + station.masters.length + (station.canary ? 1 : 0),
        endpoints:
            station.relays.reduce((sum, pool) => sum + pool.count, 0) +
            station.masters.length +
            // The canary's addresses are a pool, and one of them is in the nearest region's, too.
            (station.canary ? station.canary.zones.length + 1 : 0),
    };
    for (const key of ["balancers", "pools", "endpoints"] as const) {
        if (needs[key] > limits[key]) {
            context.addIssue({
                code: "custom",
                path: ["dns", "plan"],
                input: station.dns.plan,
                message:
                    `the station needs ${needs[key]} ${key}, the plan allows ${limits[key]}; ` +
                    `take a larger plan, fewer Relays, or set dns.limits.${key} to what your contract says`,
            });
        }
    }
    if (checkIntervalSeconds(station.dns) < limits.minimumIntervalSeconds) {
        context.addIssue({
            code: "custom",
            path: ["dns", "check", "intervalSeconds"],
            input: station.dns.check.intervalSeconds,
            message: `the plan ${station.dns.plan} checks at most every ${limits.minimumIntervalSeconds} s`,
        });
    }
    if (
        station.dns.check.timeoutSeconds * (station.dns.check.retries + 1) >
        checkIntervalSeconds(station.dns)
    ) {
        context.addIssue({
            code: "custom",
            path: ["dns", "check", "timeoutSeconds"],
            input: station.dns.check.timeoutSeconds,
            message: `a check with its retries must fit into the interval of ${checkIntervalSeconds(station.dns)} s`,
        });
    }
}
