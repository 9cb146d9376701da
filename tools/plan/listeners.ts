import type { RegionListeners, StationToPlan } from "../../model/plan/station";

/** Listeners at the peak: of all regions together, or by region. */
export type AskedListeners = number | Record<string, number>;

/** Average by peak where nothing says it: a station that is heard all day. */
const usualPart = 1 / 3;

/**
 * A station for other listeners, with the planner's numbers of Relays.
 *
 * @throws when a region has no Relays.
 */
export function withListeners(station: StationToPlan, asked: AskedListeners): StationToPlan {
    const regions = station.pools.map(({ region }) => region);
    const expected = regions.map((region): RegionListeners => {
        const known = station.listeners?.find((listeners) => listeners.region === region);
        return known ?? { region, peak: 0, average: 0 };
    });
    const before = expected.reduce((sum, { peak }) => sum + peak, 0);
    if (typeof asked === "object") {
        const unknown = Object.keys(asked).find((region) => !regions.includes(region));
        if (unknown !== undefined) {
            throw new Error(`there are no Relays in ${unknown}; use ${regions.join(", ")}`);
        }
    }
    const peaks = expected.map(({ region, peak }) => {
        if (typeof asked === "object") {
            return asked[region] ?? 0;
        }
        return Math.ceil(before > 0 ? (asked * peak) / before : asked / regions.length);
    });
    return {
        ...station,
        pools: station.pools.map(({ region, size, upstreamRegions }) => ({ region, size, upstreamRegions })),
        listeners: expected.map(({ region, peak, average }, index) => {
            const asks = peaks[index] ?? 0;
            return { region, peak: asks, average: peak > 0 ? (asks * average) / peak : asks * usualPart };
        }),
    };
}

/** Reads `20000`, or `ams3=12000,nyc3=8000`. @returns undefined for anything else. */
export function readListeners(text: string): AskedListeners | undefined {
    const isCount = (digits: string): boolean => /^\d{1,8}$/.test(digits);
    if (isCount(text)) {
        return Number(text);
    }
    const pairs = text.split(",").map((pair) => pair.split("="));
    const isPair = ([region = "", peak = "", ...rest]: string[]): boolean =>
        region !== "" && isCount(peak) && rest.length === 0;
    return pairs.every(isPair)
        ? Object.fromEntries(pairs.map(([region = "", peak]) => [region, Number(peak)]))
        : undefined;
}
