/** The 13 regions of the world by which Cloudflare steers, named as in its Regions API. */
export const steeringRegions = [
    "WNAM",
    "ENAM",
    "WEU",
    "EEU",
    "NSAM",
    "SSAM",
    "OC",
    "ME",
    "NAF",
    "SAF",
    "SAS",
    "SEAS",
    "NEAS",
] as const;

export type SteeringRegion = (typeof steeringRegions)[number];

/** A point on the globe, in degrees. */
export interface Place {
    latitude: number;
    longitude: number;
}

/** Roughly where the people of each region live. */
const centres: Readonly<Record<SteeringRegion, Place>> = {
    WNAM: { latitude: 37.5, longitude: -119 },
    ENAM: { latitude: 39, longitude: -80 },
    WEU: { latitude: 49, longitude: 4 },
    EEU: { latitude: 51, longitude: 23 },
    NSAM: { latitude: 6, longitude: -72 },
    SSAM: { latitude: -25, longitude: -50 },
    OC: { latitude: -33, longitude: 147 },
    ME: { latitude: 29, longitude: 46 },
    NAF: { latitude: 32, longitude: 12 },
    SAF: { latitude: -15, longitude: 29 },
    SAS: { latitude: 22, longitude: 78 },
    SEAS: { latitude: 8, longitude: 106 },
    NEAS: { latitude: 36, longitude: 126 },
};

/**
 * Where the great circle misleads, because cables run otherwise: kilometres to add between a steering region and
 * pools east of a longitude. Africa and the Middle East reach the world through Europe.
 */
const detours: Readonly<Partial<Record<SteeringRegion, { eastOf: number; extraKm: number }>>> = {
    SAF: { eastOf: 60, extraKm: 4000 },
    NAF: { eastOf: 60, extraKm: 4000 },
    ME: { eastOf: 90, extraKm: 2000 },
};

/** Great-circle distance in kilometres. */
export function distanceKm(from: Place, to: Place): number {
    const radians = (degrees: number): number => (degrees * Math.PI) / 180;
    const dLatitude = radians(to.latitude - from.latitude);
    const dLongitude = radians(to.longitude - from.longitude);
    const h =
        Math.sin(dLatitude / 2) ** 2 +
        Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(dLongitude / 2) ** 2;
    return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** A pool of Relays, as far as steering needs to know it. */
export interface SteeredPool {
    name: string;
    place: Place;
    /** Listeners all its Relays carry together. */
    capacity: number;
    /** Capacity for emergencies: after all others in every order. */
    lastResort?: boolean;
}

/** How a name is steered: which pools answer whom, in which order. */
export interface Steering {
    /** For each region of the world every pool, nearest first. */
    byRegion: Record<SteeringRegion, string[]>;
    /** Every pool, for whoever's place is unknown. */
    order: string[];
    /** Answered with when no pool is healthy: better a listener who tries than a name that does not exist. */
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

/** The region of the world whose people live nearest to a place. */
export function steeringRegionOf(place: Place): SteeringRegion {
    return steeringRegions.reduce((best, region) =>
        distanceKm(centres[region], place) < distanceKm(centres[best], place) ? region : best,
    );
}
