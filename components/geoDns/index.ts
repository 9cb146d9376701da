import * as pulumi from "@pulumi/pulumi";

import type { DnsService, HealthCheck } from "./dnsService";
import { planSteering, type Place } from "./geography";

/** The Relays of one region, as listeners are sent to them. */
export interface ListenerPool {
    /** Provider region, for example `ams3`: becomes `ams3.stream.<domain>`. */
    region: string;
    place: Place;
    /** Listeners all its Relays carry together. */
    capacity: number;
    /** Capacity for emergencies: asked for only when every other pool is down. */
    lastResort?: boolean;
    members: { name: string; address: pulumi.Input<string> }[];
}

export interface GeoDnsArgs {
    /** Start of pool names, unique in the account: `aerial-prod`. */
    prefix: string;
    domain: string;
    service: DnsService;
    ttlSeconds: number;
    /** How often and how patiently health is checked; path and port belong to the role. */
    check: Omit<HealthCheck, "path" | "port">;
    pools: ListenerPool[];
    /** Masters, preferred first. */
    masters: { name: string; address: pulumi.Input<string> }[];
}

/**
 * The names of a station. `stream.<domain>` answers with healthy Relays near the asker, and when a region is down with
 * those of the next; `ingest.<domain>` answers with the preferred Master while that plays; `<region>.stream.<domain>`
 * are the Relays of one region, for players that walk a list.
 */
export class GeoDns extends pulumi.ComponentResource {
    public readonly stream: string;
    public readonly ingest: string;
    /** Name of a region's Relays, by region. */
    public readonly regionNames: Record<string, string>;

    constructor(name: string, args: GeoDnsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:GeoDns", name, { domain: args.domain, ttlSeconds: args.ttlSeconds }, opts);
        const { service, ttlSeconds } = args;
        const check: HealthCheck = { ...args.check, path: "/healthz", port: 80 };
        const names = stationNames(
            args.domain,
            args.pools.map((pool) => pool.region),
        );
        this.stream = names.stream;
        this.ingest = names.ingest;
        this.regionNames = names.regions;

        const listenerPools = args.pools.map((pool) => ({
            ...pool,
            name: `${args.prefix}-stream-${pool.region}`,
        }));
        const steering = planSteering(listenerPools);
        service.createBalancedName(
            `${name}-stream`,
            { hostname: this.stream, ttlSeconds, check, pools: listenerPools, ...steering },
            this,
        );

        const masterPools = args.masters.map((master) => ({
            name: `${args.prefix}-ingest-${master.name}`,
            members: [master],
        }));
        const order = masterPools.map((pool) => pool.name);
        const [preferred] = order;
        if (preferred === undefined) {
            throw new pulumi.ResourceError("there is no Master for sources to connect to", this);
        }
        service.createBalancedName(
            `${name}-ingest`,
            { hostname: this.ingest, ttlSeconds, check, pools: masterPools, order, fallback: preferred },
            this,
        );

        for (const pool of args.pools) {
            const hostname = names.regions[pool.region] ?? "";
            service.createPlainName(
                `${name}-${pool.region}`,
                { hostname, ttlSeconds, addresses: pool.members },
                this,
            );
        }
        this.registerOutputs({ stream: this.stream, ingest: this.ingest, regionNames: this.regionNames });
    }
}

/** The names a station has; known before any machine, so that machines can be told. */
export function stationNames(
    domain: string,
    regions: string[],
): { stream: string; ingest: string; regions: Record<string, string> } {
    const stream = `stream.${domain}`;
    return {
        stream,
        ingest: `ingest.${domain}`,
        regions: Object.fromEntries(regions.map((region) => [region, `${region}.${stream}`])),
    };
}
