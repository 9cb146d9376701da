import { distanceKm, type Place } from "../../model/geography";
import { centres, steeringRegions, type SteeringRegion } from "../../model/steeringRegions";

/**
 * Where the great circle misleads, because cables run otherwise: kilometres to add between a steering region and
 * pools east of a longitude. Africa and the Middle East reach the world through Europe.
 */
const detours: Readonly<Partial<Record<SteeringRegion, { eastOf: number; extraKm: number }>>> = {
    SAF: { eastOf: 60, extraKm: 4000 },
    NAF: { eastOf: 60, extraKm: 4000 },
    ME: { eastOf: 90, extraKm: 2000 },
};

/** A pool of Relays, as far as steering needs to know it. */
export interface SteeredPool {
    name: string;
    place: Place;
    /** Listeners all its Relays carry together. */
    capacity: number;
    /** After all others in every order, as the canary is. */
    lastResort?: boolean;
}

/** How a name is steered: which pools answer for each part of the world, in which order. */
export interface Steering {
    /** For each region of the world every pool, nearest first. */
    byRegion: Record<SteeringRegion, string[]>;
    /** Every pool, for listeners whose place is unknown. */
    order: string[];
    /** The answer when no pool is healthy: an address that may work is better than none. */
    fallback: string;
}

/**
 * Plans steering so that every region of the world fails over to the nearest healthy pool.
 *
 * @throws when there is no pool, or two have one name.
 */
export function planSteering(pools: readonly SteeredPool[]): Steering {
    const names = pools.map((pool) => pool.name);
    if (new Set(names).size !== names.length) {
        throw new Error(`two pools have one name: ${names.join(", ")}`);
    }
    const order = sortPools(pools, (pool) => -pool.capacity);
    const [fallback] = order;
    if (fallback === undefined) {
        throw new Error("there is no pool to steer to");
    }
    const nearestFirst = (region: SteeringRegion): string[] =>
        sortPools(pools, (pool) => networkDistanceKm(region, pool.place));
    return {
        byRegion: Object.fromEntries(
            steeringRegions.map((region) => [region, nearestFirst(region)]),
        ) as Steering["byRegion"],
        order,
        fallback,
    };
}

function networkDistanceKm(region: SteeringRegion, place: Place): number {
    const detour = detours[region];
    const extra = detour && place.longitude > detour.eastOf ? detour.extraKm : 0;
    return distanceKm(centres[region], place) + extra;
}

/** Names by rising key, last resorts at the end; equal keys by name, so that the plan never depends on chance. */
function sortPools(pools: readonly SteeredPool[], key: (pool: SteeredPool) => number): string[] {
    return [...pools]
        .sort(
            (one, other) =>
                Number(one.lastResort ?? false) - Number(other.lastResort ?? false) ||
                key(one) - key(other) ||
                one.name.localeCompare(other.name),
        )
        .map((pool) => pool.name);
}
