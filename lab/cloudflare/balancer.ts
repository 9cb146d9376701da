import { z } from "zod";

import { steeringRegions } from "../../model/steeringRegions";
import { resourceKind } from "../cloud/kind";
import { notFound, notUnique, validationFailed } from "./api";
import { change, withChange } from "./backend";
import { balancers, newId, type BalancerRecord, type DnsData } from "./cloud";
import { zoneFacts } from "./facts";
import { identifier, isHostname, oneOf } from "./inputs";

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

function check(given: Inputs, request: string, present: DnsData, self?: string): void {
    const zone = zoneFacts(given.zoneId, request);
    if (!isHostname(given.name) || given.name.startsWith("*.")) {
        throw validationFailed(request, `name ${JSON.stringify(given.name)} is not a valid hostname`);
    }
    if (zone.name !== undefined && given.name !== zone.name && !given.name.endsWith(`.${zone.name}`)) {
        throw validationFailed(request, `name ${given.name} is not in the zone ${zone.name}`);
    }
    const others = present.balancers.filter(({ id, zoneId }) => id !== self && zoneId === given.zoneId);
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

function recordOf(given: Inputs, base: Pick<BalancerRecord, "id" | "urn" | "createdOn">): BalancerRecord {
    const { zoneId, name, enabled, proxied, defaultPools, fallbackPool, steeringPolicy } = given;
    return {
        ...base,
        ...{ zoneId, name, enabled, proxied, defaultPools, fallbackPool },
        ttlSeconds: given.ttl ?? defaultTtl,
        regionPools: given.regionPools ?? {},
        steeringPolicy: steeringPolicy === "" ? (given.regionPools ? "geo" : "off") : steeringPolicy,
    };
}

/** Takes a balancer out of its zone; succeeds when it is gone already. */
export async function removeBalancer(id: string): Promise<void> {
    if (!balancers.get(id)) {
        return;
    }
    await change((present) => ({
        next: { ...present, balancers: withChange(present.balancers, id, undefined) },
        commit: () => balancers.remove(id),
    }));
}

export const loadBalancer = resourceKind({
    type: "cloudflare:index/loadBalancer:LoadBalancer",
    inputs,

    async create(given, { urn }) {
        const request = `POST /zones/${given.zoneId}/load_balancers`;
        const now = new Date().toISOString();
        const record = recordOf(given, { urn, id: newId(), createdOn: now });
        await change((present) => {
            check(given, request, present);
            return {
                next: { ...present, balancers: withChange(present.balancers, record.id, record) },
                commit: () => balancers.put(record.id, record),
            };
        });
        const zoneName = zoneFacts(given.zoneId, request).name;
        return { id: record.id, outputs: { createdOn: now, modifiedOn: now, zoneName } };
    },

    read: async ({ id, outputs }) => (balancers.get(id) ? outputs : undefined),

    async update({ id }, given) {
        const request = `PUT /zones/${given.zoneId}/load_balancers/${id}`;
        await change((present) => {
            const old = balancers.get(id);
            if (!old) {
                throw notFound(request, id);
            }
            check(given, request, present, id);
            const record = recordOf(given, old);
            return {
                next: { ...present, balancers: withChange(present.balancers, id, record) },
                commit: () => balancers.put(id, record),
            };
        });
        return { modifiedOn: new Date().toISOString() };
    },

    delete: ({ id }) => removeBalancer(id),
});
