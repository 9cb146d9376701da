import { z } from "zod";

import { steeringRegions } from "../../model/steeringRegions";
import { notUnique, validationFailed } from "./api";
import { labZones, zoneFacts } from "./facts";
import { identifier, isHostname, oneOf } from "./inputs";
import { objectKind, type Change } from "./kind";
import type { BalancerRecord, DnsData } from "./records";

/** Time to live of a name that is given none, in seconds. */
const defaultTtl = 30;

const poolList = z.array(identifier);

const inputs = z.strictObject({
    zoneId: identifier,
    name: z.string(),
    description: z.string().optional(),
    enabled: z.boolean().default(true),
    proxied: z.boolean().default(false),
    ttl: z.number().optional(),
    defaultPools: poolList,
    fallbackPool: identifier,
    regionPools: z.record(z.string(), poolList).optional(),
    steeringPolicy: oneOf("steering_policy", [
        "off",
        "geo",
        "random",
        "dynamic_latency",
        "proximity",
        "least_outstanding_requests",
        "least_connections",
        "",
    ]).default(""),
});
type Inputs = z.output<typeof inputs>;

function check({ given, record, request, present }: Change<Inputs, BalancerRecord>): void {
    const zone = zoneFacts(given.zoneId, request);
    if (!isHostname(given.name) || given.name.startsWith("*.")) {
        throw validationFailed(request, `name ${JSON.stringify(given.name)} is not a valid hostname`);
    }
    if (zone.name !== undefined && given.name !== zone.name && !given.name.endsWith(`.${zone.name}`)) {
        throw validationFailed(request, `name ${given.name} is not in the zone ${zone.name}`);
    }
    const others = present.balancers.filter(({ id, zoneId }) => id !== record.id && zoneId === given.zoneId);
    if (others.some(({ name }) => name.toLowerCase() === given.name.toLowerCase())) {
        throw notUnique(request);
    }
    if (others.length >= zone.account.balancers) {
        const { balancers: most } = zone.account;
        throw validationFailed(request, `the maximum number of load balancers, ${most}, has been reached`);
    }
    if (given.proxied && given.ttl !== undefined) {
        throw validationFailed(request, "ttl must not be set when proxied is true");
    }
    if (given.ttl !== undefined && !(given.ttl >= 10 && given.ttl <= 3600)) {
        throw validationFailed(request, "ttl is not in range [10, 3600]");
    }
    checkPools(given, request, present);
}

function checkPools(given: Inputs, request: string, present: DnsData): void {
    const exists = new Set(present.pools.map(({ id }) => id));
    const mustExist = (property: string, ids: readonly string[]): void => {
        const missing = ids.find((id) => !exists.has(id));
        if (missing !== undefined) {
            throw validationFailed(request, `${property}: pool ${missing} does not exist`);
        }
        if (ids.length === 0) {
            throw validationFailed(request, `${property} must not be empty`);
        }
    };
    mustExist("default_pools", given.defaultPools);
    mustExist("fallback_pool", [given.fallbackPool]);
    for (const [region, ids] of Object.entries(given.regionPools ?? {})) {
        if (!steeringRegions.some((known) => known === region)) {
            throw validationFailed(
                request,
                `region_pools: ${JSON.stringify(region)} is not a valid region code`,
            );
        }
        mustExist(`region_pools.${region}`, ids);
    }
}

export const loadBalancer = objectKind({
    type: "cloudflare:index/loadBalancer:LoadBalancer",
    inputs,
    list: "balancers",
    check,

    recordOf(given, { id, urn, createdOn }) {
        const { zoneId, name, enabled, proxied, defaultPools, fallbackPool, steeringPolicy } = given;
        return {
            ...{ id, urn, createdOn, zoneId, name, enabled, proxied, defaultPools, fallbackPool },
            ttlSeconds: given.ttl ?? defaultTtl,
            regionPools: given.regionPools ?? {},
            steeringPolicy: steeringPolicy === "" ? (given.regionPools ? "geo" : "off") : steeringPolicy,
        };
    },

    outputs: ({ zoneId }) => ({ zoneName: labZones[zoneId] }),
});
