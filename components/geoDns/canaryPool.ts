import type * as pulumi from "@pulumi/pulumi";

import { distanceKm, type Place } from "../../model/geography";
import type { PoolMember } from "./dnsService";

/** The canary: a small capacity that grows when it is needed. */
export interface CanaryPool {
    /** Part of the pool's name, for example `canary`. */
    region: string;
    place: Place;
    /** Addresses that lead to it, each to all of it. */
    addresses: { name: string; address: pulumi.Input<string> }[];
    /** Weight of all of it in the nearest pool, where a Relay weighs 1. */
    share: number;
}

/** A pool, as far as it matters here. */
interface Pool {
    region: string;
    place: Place;
    capacity: number;
    members: PoolMember[];
    /** Behind all others in every order. */
    lastResort?: boolean;
}

/**
 * The pools and, behind them, the canary: it is the last in every order, and one of its addresses is with its share
 * in the pool that is nearest to it. One is enough, since it leads to all of it; and it is one endpoint less to pay.
 */
export function addCanary(pools: readonly Pool[], canary: CanaryPool | undefined): Pool[] {
    if (!canary) {
        return [...pools];
    }
    const { region, place, addresses, share } = canary;
    const [first] = addresses;
    if (!first) {
        throw new Error(`the pool ${region} has no address`);
    }
    const nearest = nearestTo(place, pools);
    return [
        ...pools.map((pool) =>
            pool === nearest
                ? { ...pool, members: [...pool.members, { ...first, weight: share }] }
                : { ...pool },
        ),
        // Listeners it carries are of no interest: it is asked last whatever they are.
        { region, place, capacity: 0, members: addresses, lastResort: true },
    ];
}

/** The nearest pool; of several the first by name. */
export function nearestTo<P extends { region: string; place: Place }>(
    place: Place,
    pools: readonly P[],
): P | undefined {
    return [...pools].sort(
        (one, other) =>
            distanceKm(one.place, place) - distanceKm(other.place, place) ||
            one.region.localeCompare(other.region),
    )[0];
}
