import * as pulumi from "@pulumi/pulumi";

import type { Place } from "../../model/geography";
import type { HealthCheck } from "../../model/healthCheck";
import type { StationNames } from "../../model/stationNames";
import type { DnsService, PoolMember } from "./dnsService";
import { addCanary, type CanaryPool } from "./canaryPool";
import { planSteering } from "./steering";

/** The Relays of one region, as a pool that listeners get. */
export interface ListenerPool {
    /** Provider region, for example `ams3`: becomes `ams3.stream.<domain>`. */
    region: string;
    place: Place;
    /** How many listeners all its Relays serve together. */
    capacity: number;
    members: PoolMember[];
}

export interface GeoDnsArgs {
    /** Start of pool names, unique in the account: `aerial-prod`. */
    prefix: string;
    names: StationNames;
    service: DnsService;
    /** Of the balanced names. */
    ttlSeconds: number;
    /** Of plain records. */
    recordTtlSeconds: number;
    /** How health is checked. Path and port are the same for all roles. */
    check: Omit<HealthCheck, "path" | "port">;
    pools: ListenerPool[];
    /** The pool that comes last, and always serves a small share of the listeners. It has no name of its own. */
    canary?: CanaryPool;
    /** Masters, preferred first. */
    masters: { name: string; place: Place; address: pulumi.Input<string> }[];
}

/**
 * The names of a station. `stream.<domain>` answers with healthy Relays near the listener, or with those of the next
 * region when that one is down. `ingest.<domain>` answers with the preferred Master while it is healthy.
 * `<region>.stream.<domain>` answers with the Relays of one region, for players that try a list of addresses.
 */
export class GeoDns extends pulumi.ComponentResource {
    constructor(name: string, args: GeoDnsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:GeoDns", name, { names: args.names, ttlSeconds: args.ttlSeconds }, opts);
        const { service, ttlSeconds } = args;
        const check: HealthCheck = { ...args.check, path: "/healthz", port: 80 };
        const { names } = args;

        const listenerPools = addCanary(args.pools, args.canary).map((pool) => ({
            ...pool,
            name: `${args.prefix}-stream-${pool.region}`,
        }));
        const steering = planSteering(listenerPools);
        service.createBalancedName(
            `${name}-stream`,
            { hostname: names.stream, ttlSeconds, check, pools: listenerPools, ...steering },
            this,
        );

        const masterPools = args.masters.map((master) => ({
            name: `${args.prefix}-ingest-${master.name}`,
            place: master.place,
            members: [master],
        }));
        const order = masterPools.map((pool) => pool.name);
        const [preferred] = order;
        if (preferred === undefined) {
            throw new pulumi.ResourceError("there is no Master for sources to connect to", this);
        }
        service.createBalancedName(
            `${name}-ingest`,
            { hostname: names.ingest, ttlSeconds, check, pools: masterPools, order, fallback: preferred },
            this,
        );

        for (const pool of args.pools) {
            const hostname = names.regions[pool.region] ?? "";
            service.createPlainName(
                `${name}-${pool.region}`,
                { hostname, ttlSeconds: args.recordTtlSeconds, addresses: pool.members },
                this,
            );
        }
        this.registerOutputs({ names });
    }
}
