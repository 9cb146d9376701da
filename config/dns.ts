import { z } from "zod";

import { countEndpoints } from "../model/plan/endpoints";
import { cloudflarePrices } from "../model/prices";

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

export const dnsSchema = z
    .strictObject({
        accountId: cloudflareId.meta({
            description: "Id of your account at Cloudflare.",
            examples: ["0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d"],
        }),
        zoneId: cloudflareId.meta({
            description: "Id of the zone at Cloudflare that holds the station's domain.",
            examples: ["1a1b1c1d1e1f1a1b1c1d1e1f1a1b1c1d"],
        }),
        plan: z
            .enum(["free", "pro", "business", "enterprise"], {
                error: "use free, pro, business or enterprise",
            })
            .default("pro")
            .meta({
                description:
                    "The zone's plan at Cloudflare. It decides how many names, pools and endpoints there may be, " +
                    "and how often health is checked.",
                examples: ["business"],
            }),
        ttlSeconds: seconds(30, 3600)
            .default(30)
            .meta({
                description:
                    "How long resolvers keep an answer. During this time a listener may still be sent to a Relay " +
                    "that no longer answers.",
                unit: "seconds",
                examples: [60],
            }),
        check: z
            .strictObject({
                intervalSeconds: seconds(1, 3600)
                    .optional()
                    .meta({
                        description:
                            "Time between two health checks. If you leave it out, it is the shortest that the plan " +
                            "allows.",
                        unit: "seconds",
                        examples: [60],
                    }),
                timeoutSeconds: seconds(1, 10)
                    .default(5)
                    .meta({
                        description:
                            "How long a check waits for the answer. A check with its retries must fit into the " +
                            "interval.",
                        unit: "seconds",
                        examples: [5],
                    }),
                retries: z
                    .int()
                    .min(0, "use 0 to 5 retries")
                    .max(5, "use 0 to 5 retries")
                    .default(1)
                    .meta({
                        description: "How often a check that got no answer in time is repeated at once.",
                        unit: "retries",
                        examples: [1],
                    }),
                downAfter: z
                    .int()
                    .min(1, "use 1 to 10 checks")
                    .max(10, "use 1 to 10 checks")
                    .default(2)
                    .meta({
                        description: "Failed checks in a row after which a machine counts as down.",
                        unit: "checks",
                        examples: [2],
                    }),
                upAfter: z
                    .int()
                    .min(1, "use 1 to 10 checks")
                    .max(10, "use 1 to 10 checks")
                    .default(2)
                    .meta({
                        description: "Good checks in a row after which a machine counts as up again.",
                        unit: "checks",
                        examples: [2],
                    }),
            })
            .prefault({})
            .meta({ description: "How Cloudflare checks the health of Masters, Relays and the canary." }),
        limits: z
            .strictObject({
                balancers: count.meta({
                    description: "How many balanced names the contract allows. The station has two.",
                    unit: "names",
                    examples: [20],
                }),
                pools: count.meta({
                    description:
                        "How many pools the contract allows. Each region of Relays, each Master and the canary " +
                        "is one.",
                    unit: "pools",
                    examples: [40],
                }),
                endpoints: count.meta({
                    description: "How many endpoints the contract allows, over all pools.",
                    unit: "endpoints",
                    examples: [60],
                }),
                minimumIntervalSeconds: count.meta({
                    description: "Shortest time between two health checks that the contract allows.",
                    unit: "seconds",
                    examples: [5],
                }),
                minimumRecordTtlSeconds: count.meta({
                    description: "Shortest TTL of a plain record that the contract allows.",
                    unit: "seconds",
                    examples: [30],
                }),
            })
            .prefault({})
            .meta({
                description:
                    "What your contract with Cloudflare allows, where it differs from the plan's usual limits. A limit " +
                    "that you leave out is the plan's.",
            }),
    })
    .meta({ description: "The station's names at Cloudflare, and how closely their health is checked." });

export type DnsConfig = z.output<typeof dnsSchema>;

/** The limits in force: the plan's, unless the contract says otherwise. */
function dnsLimits(dns: DnsConfig): Required<{ [K in keyof DnsConfig["limits"]]: number }> {
    const plan = cloudflarePrices.plans[dns.plan];
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
        endpoints: countEndpoints(
            station.relays,
            station.masters.length,
            station.canary ? station.canary.zones.length : 0,
        ),
    };
    for (const key of ["balancers", "pools", "endpoints"] as const) {
        if (needs[key] > limits[key]) {
            context.addIssue({
                code: "custom",
                path: ["dns", "plan"],
                input: station.dns.plan,
                message:
                    `the station needs ${needs[key]} ${key}, and the plan allows ${limits[key]}; ` +
                    `use a larger plan or fewer Relays, or set dns.limits.${key} to what your contract allows`,
            });
        }
    }
    if (checkIntervalSeconds(station.dns) < limits.minimumIntervalSeconds) {
        context.addIssue({
            code: "custom",
            path: ["dns", "check", "intervalSeconds"],
            input: station.dns.check.intervalSeconds,
            message: `the plan ${station.dns.plan} allows no shorter interval than ${limits.minimumIntervalSeconds} s; use ${limits.minimumIntervalSeconds} or more`,
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
            message: `a check with its retries must fit into the interval of ${checkIntervalSeconds(station.dns)} s; use a shorter timeout or fewer retries`,
        });
    }
}
