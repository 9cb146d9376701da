import { listenerLimit, listenersSent } from "../capacity";
import { digitalOceanPrices } from "../prices";
import type { ChosenFormat, StationToPlan } from "./station";

/** With two Relays in a region, one may fail or be replaced, and its listeners stay in the region. */
export const leastRelays = 2;

/** The configuration takes no more in a region. */
export const mostRelays = 50;

/** A region's Relays, as planned. */
export interface PoolPlan {
    region: string;
    size: string;
    /** As configured, or the planner's number. */
    count: number;
    /** What the planner would take, were no number configured for any region. */
    advised: number;
    /** Listeners that one Relay serves at most. */
    listenerLimit: number;
    peak: number;
    average: number;
}

/** What happens when a region is lost. */
export interface RegionLoss {
    region: string;
    /** Listeners that all other regions carry together. */
    carried: number;
    /** Whether the configuration accepts that they are too few. */
    accepted: boolean;
}

/** What a listener hears on average, in kbit/s. */
export function meanBitrateKbps(formats: readonly ChosenFormat[]): number {
    return formats.reduce((sum, { bitrateKbps, part }) => sum + part * bitrateKbps, 0);
}

/** Listeners that a Relay serves at most: by cores and memory, and by what a droplet sends. */
export function relayLimit(size: string, bitrateKbps: number): number {
    return Math.min(listenerLimit(size), listenersSent(digitalOceanPrices.mostMbps, bitrateKbps));
}

type RelayStation = Pick<StationToPlan, "pools" | "formats" | "listeners" | "acceptLossOf">;

/**
 * Relays by region, in the order of the station's regions.
 *
 * A region serves its own listeners, with two Relays or more. While some region may not be lost, the smallest of the
 * others gets one more Relay. Numbers that are configured stay. What Relays cost, or which transfer they bring, does not
 * matter: so a changed price changes no machine.
 */
export function planPools(station: RelayStation): PoolPlan[] {
    const bitrateKbps = meanBitrateKbps(station.formats);
    const pools = station.pools.map(({ region, size, count }) => {
        const { peak = 0, average = 0 } =
            station.listeners?.find((listeners) => listeners.region === region) ?? {};
        return { region, size, count, peak, average, listenerLimit: relayLimit(size, bitrateKbps) };
    });
    const counts = countRelays(pools, station.acceptLossOf);
    const advised = countRelays(
        pools.map((pool) => ({ ...pool, count: undefined })),
        station.acceptLossOf,
    );
    return pools.map((pool, index) => ({
        ...pool,
        count: counts[index] ?? leastRelays,
        advised: advised[index] ?? leastRelays,
    }));
}

interface PoolToCount {
    region: string;
    count?: number | undefined;
    peak: number;
    listenerLimit: number;
}

function countRelays(pools: readonly PoolToCount[], acceptLossOf: readonly string[]): number[] {
    const peak = peakOf(pools);
    const counted = pools.map((pool) => ({
        ...pool,
        free: pool.count === undefined,
        count:
            pool.count ??
            Math.min(mostRelays, Math.max(leastRelays, Math.ceil(pool.peak / pool.listenerLimit))),
    }));
    for (;;) {
        const lost = counted
            .filter(({ region }) => !acceptLossOf.includes(region))
            .sort((one, other) => capacityOf([other]) - capacityOf([one]))[0];
        const others = counted.filter((pool) => pool !== lost);
        const grows = others
            .filter(({ free, count }) => free && count < mostRelays)
            .sort((one, other) => capacityOf([one]) - capacityOf([other]))[0];
        if (capacityOf(others) >= peak || !grows) {
            return counted.map(({ count }) => count);
        }
        grows.count += 1;
    }
}

/** Listeners of these regions together, at the peak. */
export function peakOf(pools: readonly { peak: number }[]): number {
    return pools.reduce((sum, pool) => sum + pool.peak, 0);
}

/** Listeners that these Relays carry together. */
export function capacityOf(pools: readonly { count: number; listenerLimit: number }[]): number {
    return pools.reduce((sum, { count, listenerLimit: limit }) => sum + count * limit, 0);
}

/** What the loss of each region leaves. */
export function planLosses(pools: readonly PoolPlan[], acceptLossOf: readonly string[]): RegionLoss[] {
    return pools.map(({ region }) => ({
        region,
        carried: capacityOf(pools.filter((pool) => pool.region !== region)),
        accepted: acceptLossOf.includes(region),
    }));
}
