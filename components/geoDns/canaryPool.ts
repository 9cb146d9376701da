import type * as pulumi from "@pulumi/pulumi";

import { nearestTo, type Place } from "../../model/geography";
import type { PoolMember } from "./dnsService";

/** The canary, as a pool of addresses. */
export interface CanaryPool {
    /** Part of the pool's name, for example `canary`. */
    region: string;
    place: Place;
    /** Addresses of its load balancer. Each of them leads to all instances. */
    addresses: { name: string; address: pulumi.Input<string> }[];
    /** Weight of the whole canary in the nearest pool, where a Relay weighs 1. */
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
 * The pools, and the canary as the last one in every order. One address of the canary is also a member of the pool
 * nearest to it, with a small weight. One is enough, because it leads to all instances, and each endpoint costs money.
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
        // Its capacity does not matter: it comes last in any case.
        { region, place, capacity: 0, members: addresses, lastResort: true },
    ];
}
