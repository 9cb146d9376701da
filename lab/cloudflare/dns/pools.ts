import type { DnsData, MonitorRecord, PoolRecord } from "../records";
import { array, scalar, type Hash } from "./syntax";

/*
 * Pools as gdnsd's resources: `multifo`, which answers all healthy members, or `weighted` where weights differ, which
 * answers one of them; and for each a `multifo` that is always up, for when nothing is healthy.
 */

/** What the lab's server cannot do is an error, so that no drill passes for the wrong reason. */
export function unable(what: string): Error {
    return new Error(`the lab's DNS server cannot do this: ${what}`);
}

/** A monitor's name among gdnsd's service types. */
export function checkName({ id }: MonitorRecord): string {
    return `check-${id.slice(0, 12)}`;
}

/** Those that may be answered. A weight of 0 is never chosen, as a member that is not there. */
function enabledOrigins(pool: PoolRecord): PoolRecord["origins"] {
    if (pool.steering !== undefined && pool.steering !== "random") {
        throw unable(`steering by ${pool.steering} within the pool ${pool.name}`);
    }
    return pool.origins.filter(({ enabled, weight }) => enabled && weight > 0);
}

/** Whether one member is answered at a time, by weight, instead of all. */
function isWeighted(pool: PoolRecord): boolean {
    return new Set(enabledOrigins(pool).map(({ weight }) => weight)).size > 1;
}

type Origin = PoolRecord["origins"][number];

function memberName({ name }: Origin, index: number): string {
    return `member-${name === "" ? index + 1 : name}`;
}

/** @throws when it is a host name: the lab's server answers with what it is given. */
function addressOf({ address }: Origin, pool: PoolRecord): string {
    if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(address)) {
        throw unable(`members that are no IPv4 address, such as ${JSON.stringify(address)} of ${pool.name}`);
    }
    return address;
}

function addresses(pool: PoolRecord): Hash {
    return Object.fromEntries(
        enabledOrigins(pool).map((origin, index) => [
            memberName(origin, index),
            scalar(addressOf(origin, pool)),
        ]),
    );
}

function serviceOf(pool: PoolRecord, data: DnsData): string {
    const monitor = data.monitors.find(({ id }) => id === pool.monitor);
    return monitor === undefined ? "up" : checkName(monitor);
}

/** One healthy member at a time, chosen by weight. */
function weightedMembers(pool: PoolRecord, data: DnsData): Hash {
    if (pool.minimumOrigins > 1) {
        throw unable(`a pool with weights that is up only with ${pool.minimumOrigins} members: ${pool.name}`);
    }
    return {
        service_types: scalar(serviceOf(pool, data)),
        multi: scalar("false"),
        // Of the sum of weights, rounded up: any one member is enough.
        up_thresh: scalar("0.00001"),
        ...Object.fromEntries(
            enabledOrigins(pool).map((origin, index) => [
                memberName(origin, index),
                array([addressOf(origin, pool), String(Math.round(origin.weight * 100))]),
            ]),
        ),
    };
}

function members(pool: PoolRecord, data: DnsData): Hash {
    const origins = enabledOrigins(pool);
    // The pool is up with `minimumOrigins` members; gdnsd wants a share, which it multiplies and rounds up.
    const share = (Math.max(pool.minimumOrigins, 1) - 0.5) / Math.max(origins.length, 1);
    return {
        service_types: scalar(serviceOf(pool, data)),
        up_thresh: scalar(Math.min(share, 1).toFixed(4)),
        ...addresses(pool),
    };
}

/** All members of a pool, healthy or not. */
function lastResort(pool: PoolRecord): Hash {
    return { service_types: scalar("up"), ...addresses(pool) };
}

/** The resources of pools, by plugin. */
export function poolResources(pools: readonly PoolRecord[], data: DnsData): Hash {
    const weighted = pools.filter(isWeighted);
    return {
        multifo: Object.fromEntries(
            pools.flatMap((pool) => [
                ...(isWeighted(pool) ? [] : [[resourceName(pool.name), members(pool, data)] as const]),
                [`last-${pool.name}`, lastResort(pool)] as const,
            ]),
        ),
        ...(weighted.length > 0 && {
            weighted: Object.fromEntries(
                weighted.map((pool) => [resourceName(pool.name), weightedMembers(pool, data)]),
            ),
        }),
    };
}

/** How other resources name a pool's, by the pool's name. */
export function poolReferences(pools: readonly PoolRecord[]): ReadonlyMap<string, string> {
    return new Map(
        pools.map((pool) => [
            pool.name,
            `%${isWeighted(pool) ? "weighted" : "multifo"}!${resourceName(pool.name)}`,
        ]),
    );
}

/** The same for the members of a pool, healthy or not. */
export function lastReference(pool: string): string {
    return `%multifo!last-${pool}`;
}

/** Of a pool among the resources of its plugin. */
function resourceName(pool: string): string {
    return `pool-${pool}`;
}
