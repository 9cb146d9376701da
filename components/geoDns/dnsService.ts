import type * as pulumi from "@pulumi/pulumi";

import type { Place } from "../../model/geography";
import type { HealthCheck } from "../../model/healthCheck";
import type { SteeringRegion } from "../../model/steeringRegions";

/** A machine, or a balancer, that a name is answered with. */
export interface PoolMember {
    name: string;
    address: pulumi.Input<string>;
    /** Above 0, at most 1, two decimals; 1 unless given. Its part of the answers, by the weights of all in the pool. */
    weight?: number;
}

/**
 * Machines that are answered together. Where weights differ, an answer holds one healthy address, chosen by weight;
 * otherwise all healthy ones.
 */
export interface AddressPool {
    /** Letters, digits, hyphens and underscores; unique in the account. */
    name: string;
    /** Where they are; health is checked from near there. */
    place: Place;
    members: PoolMember[];
}

/** A name that is answered with healthy addresses only. */
export interface BalancedName {
    hostname: string;
    ttlSeconds: number;
    check: HealthCheck;
    pools: AddressPool[];
    /** Names of pools, first preferred. */
    order: string[];
    /** Answered when no pool is healthy. */
    fallback: string;
    /** Other orders by the asker's region; without them everyone gets `order`. */
    byRegion?: Record<SteeringRegion, string[]>;
}

/** A name with fixed addresses. */
export interface PlainName {
    hostname: string;
    ttlSeconds: number;
    addresses: { name: string; address: pulumi.Input<string> }[];
}

/** A provider of DNS. Another one is another implementation of these two methods. */
export interface DnsService {
    createBalancedName(name: string, args: BalancedName, parent: pulumi.Resource): void;
    createPlainName(name: string, args: PlainName, parent: pulumi.Resource): void;
}
