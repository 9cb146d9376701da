import { daysPerMonth } from "../canaryCosts";
import { overhead } from "../capacity";
import { upstreamsPerPool } from "../links";
import { sizeFacts } from "../prices";
import { sourceBitrateKbps } from "../sources";
import { meanBitrateKbps, type PoolPlan } from "./relays";
import type { StationToPlan } from "./station";

/** What the station's machines send in a month. */
export interface TransferPlan {
    /** What the droplets' prices include, together. */
    includedGiB: number;
    /** From droplets to listeners. */
    listenersGiB: number;
    /**
     * From droplets to other machines of the station: links, sources between Masters, the playout's pushes, and what the
     * Ears hear.
     */
    linksGiB: number;
    /** From Masters to the bucket of recordings: each take, and then its hour. */
    recordingsGiB: number;
    /** From the canary to listeners, on a usual day. */
    canaryGiB: number;
    /** From droplets, beyond what is included. */
    overGiB: number;
}

const bytesPerGib = 2 ** 30;

/** Gigabytes of Amazon's traffic, which are decimal. */
export const gbPerGib = bytesPerGib / 1e9;

export const hoursPerMonth = 24 * daysPerMonth;

/** What a stream of this bitrate takes in this time, in GiB. */
export function gibOf(bitrateKbps: number, hours: number): number {
    return (bitrateKbps * 1000 * 3600 * hours * overhead) / 8 / bytesPerGib;
}

/** Hours of all listeners in a month. */
export function listenerHours(pools: readonly { average: number }[], hoursPerDay: number): number {
    return pools.reduce((sum, { average }) => sum + average, 0) * hoursPerDay * daysPerMonth;
}

/** Listeners that the canary has on average. */
export function canaryListeners(
    { canary }: Pick<StationToPlan, "canary">,
    pools: readonly PoolPlan[],
): number {
    const pool = pools.find(({ region }) => region === canary?.nearestRegion);
    return canary && pool ? (pool.average * canary.share) / (pool.count + canary.share) : 0;
}

/** What the station sends, given its Relays. */
export function planTransfer(station: StationToPlan, pools: readonly PoolPlan[]): TransferPlan {
    const mean = meanBitrateKbps(station.formats);
    const all = gibOf(mean, listenerHours(pools, station.hoursPerDay));
    const canaryGiB = gibOf(
        mean,
        listenerHours([{ average: canaryListeners(station, pools) }], station.hoursPerDay),
    );
    const includedGiB = dropletSizes(station, pools).reduce(
        (sum, size) => sum + sizeFacts(size).transferGiB,
        0,
    );
    const listenersGiB = all - canaryGiB;
    const linksGiB = gibOf(linksKbps(station, pools), hoursPerMonth);
    const recordingsGiB = gibOf(recordingsKbps(station), hoursPerMonth);
    return {
        includedGiB,
        listenersGiB,
        linksGiB,
        recordingsGiB,
        canaryGiB,
        overGiB: Math.max(0, listenersGiB + linksGiB + recordingsGiB - includedGiB),
    };
}

function recordingsKbps({ masters, recordings }: StationToPlan): number {
    return 2 * masters.length * (recordings?.bitratesKbps ?? []).reduce((sum, bitrate) => sum + bitrate, 0);
}

/** Size of every droplet. */
export function dropletSizes(station: StationToPlan, pools: readonly PoolPlan[]): string[] {
    return [
        ...station.masters,
        ...pools.flatMap(({ size, count }) => Array.from({ length: count }, () => size)),
        ...(station.playout ? [station.playout.size] : []),
        ...(station.monitoring ? [station.monitoring.size] : []),
    ];
}

/**
 * What droplets send to each other and to the canary, in kbit/s. A Relay pulls all mounts from all of its upstreams. Of
 * each source there is one connection, whose audio goes to the other Masters; the playout pushes to each Master itself. The
 * Ears listen to all mounts in each region.
 */
function linksKbps(station: StationToPlan, pools: readonly PoolPlan[]): number {
    const mounts = station.formats.reduce((sum, { bitrateKbps }) => sum + bitrateKbps, 0);
    const masters = station.masters.length;
    const upstreamsOf = (regions: readonly string[]): number =>
        regions.length === 0
            ? masters
            : pools
                  .filter(({ region }) => regions.includes(region))
                  .reduce((sum, { count }) => sum + Math.min(upstreamsPerPool, count), 0);
    const relays = station.pools.reduce(
        (sum, { upstreamRegions }, index) => sum + (pools[index]?.count ?? 0) * upstreamsOf(upstreamRegions),
        0,
    );
    const instances = (station.canary?.minInstances ?? 0) * masters;
    const sources = station.sources * station.channels * (masters - 1);
    const pushes = (station.playout?.channels ?? 0) * masters;
    const ears = station.monitoring ? pools.length : 0;
    return mounts * (relays + instances + ears) + sourceBitrateKbps * (sources + pushes);
}
