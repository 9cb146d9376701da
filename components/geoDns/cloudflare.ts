import * as cloudflare from "@pulumi/cloudflare";
import type * as pulumi from "@pulumi/pulumi";

import type { HealthCheck } from "../../model/healthCheck";
import { steeringRegionOf } from "../../model/steeringRegions";
import type { AddressPool, BalancedName, DnsService, PlainName } from "./dnsService";

/**
 * Names on Cloudflare, DNS only: its terms for these plans forbid audio through the proxy, and listeners gain nothing
 * from it.
 *
 * Weights: Cloudflare documents that its steering within a pool goes by weights in DNS-only mode too (a member's weight
 * by the sum of all), that an answer then holds the address of a healthy member so chosen, and that resolvers which keep
 * an answer distort the shares; a large resolver sends everybody to one member for the TTL. Whether an answer may hold
 * more than one address where weights differ is not documented; the lab gives one. Pools whose weights are equal are left
 * at Cloudflare's defaults. Source: its pages on proxy modes and endpoint steering, read 2026-11.
 */
export class CloudflareDns implements DnsService {
    constructor(private readonly zone: { accountId: string; zoneId: string }) {}

    public createBalancedName(name: string, args: BalancedName, parent: pulumi.Resource): void {
        const monitor = this.createMonitor(`${name}-check`, args.hostname, args.check, parent);
        const poolIds = new Map(
            args.pools.map((pool) => [pool.name, this.createPool(pool, args.hostname, monitor, parent).id]),
        );
        const ids = (names: string[]): pulumi.Output<string>[] =>
            names.map((poolName) => idOf(poolIds, poolName));
        new cloudflare.LoadBalancer(
            name,
            {
                zoneId: this.zone.zoneId,
                name: args.hostname,
                proxied: false,
                ttl: args.ttlSeconds,
                defaultPools: ids(args.order),
                fallbackPool: idOf(poolIds, args.fallback),
                steeringPolicy: args.byRegion ? "geo" : "off",
                ...(args.byRegion && {
                    regionPools: Object.fromEntries(
                        Object.entries(args.byRegion).map(([region, names]) => [region, ids(names)]),
                    ),
                }),
            },
            { parent },
        );
    }

    public createPlainName(name: string, args: PlainName, parent: pulumi.Resource): void {
        for (const member of args.addresses) {
            new cloudflare.DnsRecord(
                `${name}-${member.name}`,
                {
                    zoneId: this.zone.zoneId,
                    name: args.hostname,
                    type: "A",
                    content: member.address,
                    ttl: args.ttlSeconds,
                    proxied: false,
                },
                { parent },
            );
        }
    }

    private createMonitor(
        name: string,
        hostname: string,
        check: HealthCheck,
        parent: pulumi.Resource,
    ): cloudflare.LoadBalancerMonitor {
        return new cloudflare.LoadBalancerMonitor(
            name,
            {
                accountId: this.zone.accountId,
                description: `Health of ${hostname}`,
                type: "http",
                method: "GET",
                path: check.path,
                port: check.port,
                header: { Host: [hostname] },
                expectedCodes: "200",
                interval: check.intervalSeconds,
                timeout: check.timeoutSeconds,
                retries: check.retries,
                consecutiveDown: check.downAfter,
                consecutiveUp: check.upAfter,
            },
            { parent },
        );
    }

    private createPool(
        pool: AddressPool,
        hostname: string,
        monitor: cloudflare.LoadBalancerMonitor,
        parent: pulumi.Resource,
    ): cloudflare.LoadBalancerPool {
        // The API answers in this order, and the provider compares lists: in another, every refresh would be followed by
        // a change of every pool (terraform-provider-cloudflare 6140, 7209).
        const members = [...pool.members].sort((one, other) => (one.name < other.name ? -1 : 1));
        const weights = new Set(pool.members.map(({ weight = 1 }) => weight));
        return new cloudflare.LoadBalancerPool(
            pool.name,
            {
                accountId: this.zone.accountId,
                name: pool.name,
                description: `Part of ${hostname}`,
                monitor: monitor.id,
                minimumOrigins: 1,
                latitude: pool.place.latitude,
                longitude: pool.place.longitude,
                // One region's data centres, a majority of three: checks from everywhere are for Enterprise.
                checkRegions: [steeringRegionOf(pool.place)],
                origins: members.map((member) => ({
                    name: member.name,
                    address: member.address,
                    enabled: true,
                    ...(weights.size > 1 && { weight: member.weight ?? 1 }),
                })),
                ...(weights.size > 1 && { originSteering: { policy: "random" } }),
            },
            { parent },
        );
    }
}

function idOf(ids: Map<string, pulumi.Output<string>>, pool: string): pulumi.Output<string> {
    const id = ids.get(pool);
    if (!id) {
        throw new Error(`the order names a pool ${pool} that does not exist`);
    }
    return id;
}
