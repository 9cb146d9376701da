/**
 * DigitalOcean's regions and Basic droplet sizes, as far as a station needs them.
 *
 * Source: DigitalOcean's API (`/v2/regions`, `/v2/sizes`) and pricing page, read 2026-09-20. The provider's own enum
 * misses newer regions, hence this table.
 */

export interface RegionFacts {
    /** City and country, for people. */
    place: string;
}

export const digitalOceanRegions: Readonly<Record<string, RegionFacts>> = {
    ams3: { place: "Amsterdam, Netherlands" },
    atl1: { place: "Atlanta, United States" },
    blr1: { place: "Bangalore, India" },
    fra1: { place: "Frankfurt, Germany" },
    lon1: { place: "London, United Kingdom" },
    nyc1: { place: "New York, United States" },
    nyc2: { place: "New York, United States" },
    nyc3: { place: "New York, United States" },
    sfo2: { place: "San Francisco, United States" },
    sfo3: { place: "San Francisco, United States" },
    sgp1: { place: "Singapore" },
    syd1: { place: "Sydney, Australia" },
    tor1: { place: "Toronto, Canada" },
};

export interface SizeFacts {
    vcpus: number;
    memoryMiB: number;
    /** Transfer included each month, in GiB, pooled over the team's droplets. */
    transferGiB: number;
    /** List price in US dollars. */
    monthlyUsd: number;
}

export const digitalOceanSizes: Readonly<Record<string, SizeFacts>> = {
    "s-1vcpu-512mb-10gb": { vcpus: 1, memoryMiB: 512, transferGiB: 500, monthlyUsd: 4 },
    "s-1vcpu-1gb": { vcpus: 1, memoryMiB: 1024, transferGiB: 1000, monthlyUsd: 6 },
    "s-1vcpu-2gb": { vcpus: 1, memoryMiB: 2048, transferGiB: 2000, monthlyUsd: 12 },
    "s-2vcpu-2gb": { vcpus: 2, memoryMiB: 2048, transferGiB: 3000, monthlyUsd: 18 },
    "s-2vcpu-4gb": { vcpus: 2, memoryMiB: 4096, transferGiB: 4000, monthlyUsd: 24 },
    "s-4vcpu-8gb": { vcpus: 4, memoryMiB: 8192, transferGiB: 5000, monthlyUsd: 48 },
    "s-8vcpu-16gb": { vcpus: 8, memoryMiB: 16384, transferGiB: 6000, monthlyUsd: 96 },
};
