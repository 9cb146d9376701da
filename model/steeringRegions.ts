import { distanceKm, type Place } from "./geography";

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

/** Roughly where the people of each region live. */
export const centres: Readonly<Record<SteeringRegion, Place>> = {
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

/** The region of the world whose people live nearest to a place. */
export function steeringRegionOf(place: Place): SteeringRegion {
    return steeringRegions.reduce((best, region) =>
        distanceKm(centres[region], place) < distanceKm(centres[best], place) ? region : best,
    );
}
