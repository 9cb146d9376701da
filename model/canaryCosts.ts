import { amazonPrices, type InstanceTypeFacts } from "./prices";

/** The canary and its group, as far as they cost money. */
export interface CanaryMachines {
    instanceType: string;
    zones: readonly unknown[];
    minInstances: number;
    maxInstances: number;
    /** What an instance is to send before another one starts; `targetMbps` says what it is unless given. */
    targetMbps?: number;
}

const hoursPerDay = 24;
export const daysPerMonth = 365 / 12;

/** Size of an instance's disk. */
export const diskGib = 8;

/** Share of what a type may send all day at which the group grows: an instance takes minutes to come. */
const targetShare = 0.7;

/** Traffic of an instance above which another one starts, in Mbit/s. */
export function targetMbps(canary: Pick<CanaryMachines, "instanceType" | "targetMbps">): number {
    return canary.targetMbps ?? Math.floor(typeOf(canary).baselineMbps * targetShare);
}

/** As the metric `NetworkOut` counts with detailed monitoring: bytes in a minute. */
export function bytesPerMinute(mbps: number): number {
    return Math.round((mbps * 1_000_000 * 60) / 8);
}

/** A day on which nobody listens, in US dollars. */
export function restingUsdPerDay(
    canary: Pick<CanaryMachines, "instanceType" | "zones" | "minInstances">,
    region: string,
): number {
    return fixedUsdPerDay(canary, region, canary.minInstances);
}

/** Instances with their addresses and disks, and the balancer with its addresses. */
export function fixedUsdPerDay(
    canary: Pick<CanaryMachines, "instanceType" | "zones">,
    region: string,
    instances: number,
): number {
    const { factor } = regionPrices(region);
    const addresses = (instances + canary.zones.length) * amazonPrices.publicAddressHourlyUsd;
    const machines = instances * typeOf(canary).hourlyUsd;
    const disks = (instances * diskGib * amazonPrices.diskMonthlyUsdPerGib) / daysPerMonth;
    const hourly = addresses + factor * (machines + amazonPrices.balancerHourlyUsd);
    return hourly * hoursPerDay + factor * disks;
}

/** What one day costs at most: `maxInstances` that send as much as they are to, all day long. In US dollars. */
export function maximumUsdPerDay(canary: Omit<CanaryMachines, "minInstances">, region: string): number {
    const { egressUsdPerGb } = regionPrices(region);
    const gigabytes = (bytesPerMinute(targetMbps(canary)) * 60 * hoursPerDay * canary.maxInstances) / 1e9;
    return (
        fixedUsdPerDay(canary, region, canary.maxInstances) +
        gigabytes * (egressUsdPerGb + balancedUsdPerGb(canary, region))
    );
}

/** What a gigabyte costs on its way through the balancer, besides egress, in US dollars. */
export function balancedUsdPerGb({ zones }: Pick<CanaryMachines, "zones">, region: string): number {
    const otherZone = (zones.length - 1) / zones.length;
    return (
        regionPrices(region).factor *
        (amazonPrices.balancerUsdPerGb + otherZone * amazonPrices.crossZoneUsdPerGb)
    );
}

/**
 * Prices of a region at Amazon.
 *
 * @throws when the table does not have it.
 */
export function regionPrices(region: string): (typeof amazonPrices.regions)[string] {
    const prices = amazonPrices.regions[region];
    if (!prices) {
        throw new Error(`there are no prices for ${region}`);
    }
    return prices;
}

/**
 * Facts of an instance type.
 *
 * @throws when the table does not have it.
 */
export function typeOf({ instanceType }: { instanceType: string }): InstanceTypeFacts {
    const facts = amazonPrices.instanceTypes[instanceType];
    if (!facts) {
        throw new Error(`there is no instance type ${instanceType}`);
    }
    return facts;
}
