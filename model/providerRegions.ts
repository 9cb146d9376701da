import type { Place } from "./geography";

/** Where a provider's region is. */
export interface RegionFacts extends Place {
    /** City and country, for people. */
    place: string;
}

/**
 * DigitalOcean's regions. The provider's own enum misses newer ones, hence this table.
 *
 * Source: DigitalOcean's API (`/v2/regions`), read 2026-09-20.
 */
export const digitalOceanRegions: Readonly<Record<string, RegionFacts>> = {
    ams3: { place: "Amsterdam, Netherlands", latitude: 52.37, longitude: 4.9 },
    atl1: { place: "Atlanta, United States", latitude: 33.75, longitude: -84.39 },
    blr1: { place: "Bangalore, India", latitude: 12.97, longitude: 77.59 },
    fra1: { place: "Frankfurt, Germany", latitude: 50.11, longitude: 8.68 },
    lon1: { place: "London, United Kingdom", latitude: 51.51, longitude: -0.13 },
    nyc1: { place: "New York, United States", latitude: 40.71, longitude: -74.01 },
    nyc2: { place: "New York, United States", latitude: 40.71, longitude: -74.01 },
    nyc3: { place: "New York, United States", latitude: 40.71, longitude: -74.01 },
    sfo2: { place: "San Francisco, United States", latitude: 37.77, longitude: -122.42 },
    sfo3: { place: "San Francisco, United States", latitude: 37.77, longitude: -122.42 },
    sgp1: { place: "Singapore", latitude: 1.35, longitude: 103.82 },
    syd1: { place: "Sydney, Australia", latitude: -33.87, longitude: 151.21 },
    tor1: { place: "Toronto, Canada", latitude: 43.65, longitude: -79.38 },
};

/**
 * Amazon's regions that need no opting in, where they are.
 *
 * Source: AWS documentation, regions and availability zones, 2026-09.
 */
export const awsRegions: Readonly<Record<string, RegionFacts>> = {
    "ap-northeast-1": { place: "Tokyo, Japan", latitude: 35.68, longitude: 139.69 },
    "ap-south-1": { place: "Mumbai, India", latitude: 19.08, longitude: 72.88 },
    "ap-southeast-1": { place: "Singapore", latitude: 1.35, longitude: 103.82 },
    "ap-southeast-2": { place: "Sydney, Australia", latitude: -33.87, longitude: 151.21 },
    "ca-central-1": { place: "Montreal, Canada", latitude: 45.5, longitude: -73.57 },
    "eu-central-1": { place: "Frankfurt, Germany", latitude: 50.11, longitude: 8.68 },
    "eu-north-1": { place: "Stockholm, Sweden", latitude: 59.33, longitude: 18.07 },
    "eu-west-1": { place: "Dublin, Ireland", latitude: 53.35, longitude: -6.26 },
    "eu-west-2": { place: "London, United Kingdom", latitude: 51.51, longitude: -0.13 },
    "eu-west-3": { place: "Paris, France", latitude: 48.86, longitude: 2.35 },
    "sa-east-1": { place: "São Paulo, Brazil", latitude: -23.55, longitude: -46.63 },
    "us-east-1": { place: "Virginia, United States", latitude: 38.95, longitude: -77.45 },
    "us-east-2": { place: "Ohio, United States", latitude: 39.96, longitude: -83 },
    "us-west-2": { place: "Oregon, United States", latitude: 45.84, longitude: -119.7 },
};
