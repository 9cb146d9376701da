import { deliveryPrices, digitalOceanPrices } from "../prices";
import { planStation } from "./index";
import { meanBitrateKbps, mostRelays, type PoolPlan } from "./relays";
import type { ChosenFormat, StationToPlan } from "./station";
import { gbPerGib, gibOf, listenerHours } from "./transfer";

/** Something that would change what the station costs. */
export interface Lever {
    what: string;
    /** What the month would cost more, in US dollars; negative if less. */
    changeUsd: number;
}

/** A bitrate at which MP3 sounds well enough for most. */
const modestKbps = 128;

/** The least share that the canary can have. */
const leastShare = 0.01;

/** What each lever brings to a station, the largest saving first. */
export function planLevers(station: StationToPlan): Lever[] {
    const { monthlyUsd, pools } = planStation(station);
    const lever = (what: string, changed: StationToPlan, moreUsd = 0): Lever => ({
        what,
        changeUsd: Math.round((planStation(changed).monthlyUsd + moreUsd - monthlyUsd) * 100) / 100,
    });
    const levers: Lever[] = [lever(nameOfDns(station), { ...station, dns: otherDns(station) })];
    if (station.canary && station.canary.share > leastShare) {
        const canary = { ...station.canary, share: leastShare };
        levers.push(lever(`a share of ${leastShare} for the canary (canary.share)`, { ...station, canary }));
    }
    if (station.listeners && listenerHours(pools, 1) > 0) {
        levers.push(...formatLevers(station, lever), hlsLever(station, lever));
        levers.push(...moreRelays(station, pools, lever));
        levers.push(
            ...Object.keys(digitalOceanPrices.sizes)
                .filter((size) => pools.some((pool) => pool.size !== size))
                .map((size) => lever(`Relays of size ${size}, as many as it takes`, withSize(station, size))),
        );
    }
    return levers.sort((one, other) => one.changeUsd - other.changeUsd);
}

type MakeLever = (what: string, changed: StationToPlan, moreUsd?: number) => Lever;

function nameOfDns({ dns }: StationToPlan): string {
    return dns.service === "route53" ? "names at Cloudflare, plan pro" : "names at Route 53";
}

function otherDns({ dns }: StationToPlan): StationToPlan["dns"] {
    return dns.service === "route53" ? { service: "cloudflare", plan: "pro" } : { service: "route53" };
}

function formatLevers(station: StationToPlan, lever: MakeLever): Lever[] {
    const { formats } = station;
    const sorted = [...formats].sort((one, other) => other.bitrateKbps - one.bitrateKbps);
    const [largest] = sorted;
    const smallest = sorted.at(-1);
    const levers: Lever[] = [];
    if (largest && smallest && largest.bitrateKbps > smallest.bitrateKbps) {
        const moved = formats.filter(({ bitrateKbps }) => bitrateKbps === largest.bitrateKbps);
        const part = moved.reduce((sum, format) => sum + format.part / 2, 0);
        levers.push(
            lever(
                `half of the listeners at ${largest.bitrateKbps} kbit/s choose ${smallest.bitrateKbps} kbit/s`,
                {
                    ...station,
                    formats: formats.map((format) => {
                        const kept = moved.includes(format) ? format.part / 2 : format.part;
                        return { ...format, part: format === smallest ? kept + part : kept };
                    }),
                },
            ),
        );
    }
    if (largest && largest.bitrateKbps > modestKbps) {
        levers.push(
            lever(`no format above ${modestKbps} kbit/s`, {
                ...station,
                formats: formats.map((format): ChosenFormat => ({
                    ...format,
                    bitrateKbps: Math.min(format.bitrateKbps, modestKbps),
                })),
            }),
        );
    }
    return levers;
}

function hlsLever(station: StationToPlan, lever: MakeLever): Lever {
    const half = (station.listeners ?? []).map((listeners) => ({
        ...listeners,
        average: listeners.average / 2,
    }));
    const gb = gibOf(meanBitrateKbps(station.formats), listenerHours(half, station.hoursPerDay)) * gbPerGib;
    return lever(
        "half of the listening hours by HLS through a content delivery network",
        { ...station, listeners: half },
        gb * deliveryPrices.usdPerGb.bunny,
    );
}

/** As many more Relays in each region as save most, by the transfer that their price includes. */
function moreRelays(station: StationToPlan, pools: readonly PoolPlan[], lever: MakeLever): Lever[] {
    const most = mostRelays - Math.max(...pools.map(({ count }) => count));
    const withMore = Array.from({ length: most }, (_, index) => {
        const more = index + 1;
        const changed = {
            ...station,
            pools: station.pools.map((pool, place) => ({
                ...pool,
                count: (pools[place]?.count ?? 0) + more,
            })),
        };
        const { endpoints } = planStation(changed);
        return lever(
            `${more} more ${more === 1 ? "Relay" : "Relays"} in each region, for the transfer they bring (${endpoints} endpoints)`,
            changed,
        );
    });
    const best = withMore.sort((one, other) => one.changeUsd - other.changeUsd)[0];
    return best && best.changeUsd < 0 ? [best] : [];
}

/** With Relays of another size, in the planner's numbers. */
function withSize(station: StationToPlan, size: string): StationToPlan {
    return {
        ...station,
        pools: station.pools.map(({ region, upstreamRegions }) => ({ region, size, upstreamRegions })),
    };
}
