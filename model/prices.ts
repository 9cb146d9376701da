/*
 * What things cost and hold, by provider: the one table of list prices. Each part says when and where it was read; a
 * preview warns of a part that is older than six months (`stalePrices`).
 */

/** When and where a part of the table was read. */
export interface PriceSource {
    /** Date, as in `2026-09-20`. */
    read: string;
    source: string;
}

export interface SizeFacts {
    vcpus: number;
    memoryMiB: number;
    /** Transfer included each month, in GiB, pooled over the team's droplets. */
    transferGiB: number;
    /** List price in US dollars. */
    monthlyUsd: number;
}

const dropletSizes: Readonly<Record<string, SizeFacts>> = {
    "s-1vcpu-512mb-10gb": { vcpus: 1, memoryMiB: 512, transferGiB: 500, monthlyUsd: 4 },
    "s-1vcpu-1gb": { vcpus: 1, memoryMiB: 1024, transferGiB: 1000, monthlyUsd: 6 },
    "s-1vcpu-2gb": { vcpus: 1, memoryMiB: 2048, transferGiB: 2000, monthlyUsd: 12 },
    "s-2vcpu-2gb": { vcpus: 2, memoryMiB: 2048, transferGiB: 3000, monthlyUsd: 18 },
    "s-2vcpu-4gb": { vcpus: 2, memoryMiB: 4096, transferGiB: 4000, monthlyUsd: 24 },
    "s-4vcpu-8gb": { vcpus: 4, memoryMiB: 8192, transferGiB: 5000, monthlyUsd: 48 },
    "s-8vcpu-16gb": { vcpus: 8, memoryMiB: 16384, transferGiB: 6000, monthlyUsd: 96 },
};

/** DigitalOcean: Basic droplets, as far as a station needs them. Prices are the same in all of its regions. */
export const digitalOceanPrices = {
    read: "2026-09-20",
    source:
        "DigitalOcean's API (/v2/sizes), pricing page and bandwidth documentation; the volume's price is a long stable list " +
        "price",
    sizes: dropletSizes,
    /** What is sent beyond the pooled allowance. What is received is free. */
    transferUsdPerGib: 0.01,
    volumeMonthlyUsdPerGib: 0.1,
    /** What a droplet sends at most, in Mbit/s. */
    mostMbps: 2000,
} as const satisfies PriceSource & Record<string, unknown>;

/**
 * Facts of a droplet size.
 *
 * @throws when the table does not have it.
 */
export function sizeFacts(size: string): SizeFacts {
    const facts = dropletSizes[size];
    if (!facts) {
        throw new Error(`there is no droplet size ${size}`);
    }
    return facts;
}

export interface InstanceTypeFacts {
    architecture: "amd64" | "arm64";
    vcpus: number;
    memoryMiB: number;
    /** What it may send all day long, in Mbit/s. */
    baselineMbps: number;
    /** What it may send for some minutes, from credits, in Mbit/s. */
    burstMbps: number;
    /** List price on demand in us-east-1, in US dollars. */
    hourlyUsd: number;
}

/** EC2's types that suit a Relay. */
const instanceTypes: Readonly<Record<string, InstanceTypeFacts>> = {
    "t4g.nano": {
        ...{ architecture: "arm64", vcpus: 2, memoryMiB: 512 },
        ...{ baselineMbps: 32, burstMbps: 5000, hourlyUsd: 0.0042 },
    },
    "t4g.micro": {
        ...{ architecture: "arm64", vcpus: 2, memoryMiB: 1024 },
        ...{ baselineMbps: 64, burstMbps: 5000, hourlyUsd: 0.0084 },
    },
    "t4g.small": {
        ...{ architecture: "arm64", vcpus: 2, memoryMiB: 2048 },
        ...{ baselineMbps: 128, burstMbps: 5000, hourlyUsd: 0.0168 },
    },
    "t4g.medium": {
        ...{ architecture: "arm64", vcpus: 2, memoryMiB: 4096 },
        ...{ baselineMbps: 256, burstMbps: 5000, hourlyUsd: 0.0336 },
    },
    "t3.micro": {
        ...{ architecture: "amd64", vcpus: 2, memoryMiB: 1024 },
        ...{ baselineMbps: 64, burstMbps: 5000, hourlyUsd: 0.0104 },
    },
    "t3.small": {
        ...{ architecture: "amd64", vcpus: 2, memoryMiB: 2048 },
        ...{ baselineMbps: 128, burstMbps: 5000, hourlyUsd: 0.0208 },
    },
    "t3.medium": {
        ...{ architecture: "amd64", vcpus: 2, memoryMiB: 4096 },
        ...{ baselineMbps: 256, burstMbps: 5000, hourlyUsd: 0.0416 },
    },
    "c7g.medium": {
        ...{ architecture: "arm64", vcpus: 1, memoryMiB: 2048 },
        ...{ baselineMbps: 520, burstMbps: 12_500, hourlyUsd: 0.0363 },
    },
    "c7g.large": {
        ...{ architecture: "arm64", vcpus: 2, memoryMiB: 4096 },
        ...{ baselineMbps: 937, burstMbps: 12_500, hourlyUsd: 0.0725 },
    },
    "c7g.xlarge": {
        ...{ architecture: "arm64", vcpus: 4, memoryMiB: 8192 },
        ...{ baselineMbps: 1876, burstMbps: 12_500, hourlyUsd: 0.145 },
    },
};

/**
 * What Amazon's regions cost: egress by the gigabyte (the first step's, up to 10 TB a month), and how much dearer than
 * us-east-1 everything else is at most, rounded up.
 */
const amazonRegions: Readonly<Record<string, { egressUsdPerGb: number; factor: number }>> = {
    "ap-northeast-1": { egressUsdPerGb: 0.114, factor: 1.35 },
    "ap-south-1": { egressUsdPerGb: 0.1093, factor: 1.1 },
    "ap-southeast-1": { egressUsdPerGb: 0.12, factor: 1.3 },
    "ap-southeast-2": { egressUsdPerGb: 0.114, factor: 1.3 },
    "ca-central-1": { egressUsdPerGb: 0.09, factor: 1.15 },
    "eu-central-1": { egressUsdPerGb: 0.09, factor: 1.2 },
    "eu-north-1": { egressUsdPerGb: 0.09, factor: 1.1 },
    "eu-west-1": { egressUsdPerGb: 0.09, factor: 1.15 },
    "eu-west-2": { egressUsdPerGb: 0.09, factor: 1.2 },
    "eu-west-3": { egressUsdPerGb: 0.09, factor: 1.2 },
    "sa-east-1": { egressUsdPerGb: 0.15, factor: 1.65 },
    "us-east-1": { egressUsdPerGb: 0.09, factor: 1 },
    "us-east-2": { egressUsdPerGb: 0.09, factor: 1 },
    "us-west-2": { egressUsdPerGb: 0.09, factor: 1 },
};

/** S3's storage classes: by the GiB and month, and what it costs to read a GiB. */
const storageClasses = {
    STANDARD: { monthlyUsdPerGib: 0.023, readUsdPerGib: 0 },
    STANDARD_IA: { monthlyUsdPerGib: 0.0125, readUsdPerGib: 0.01 },
    /** As if its objects were all in its second step. */
    INTELLIGENT_TIERING: { monthlyUsdPerGib: 0.0125, readUsdPerGib: 0 },
    GLACIER_IR: { monthlyUsdPerGib: 0.004, readUsdPerGib: 0.03 },
} as const;

export type PricedStorageClass = keyof typeof storageClasses;

/** Amazon, as far as the canary and the backup meet it. Prices are those of us-east-1; `regions` says what others cost. */
export const amazonPrices = {
    read: "2026-09-20",
    source:
        "EC2's network specifications by type; on-demand prices of t4g.small and t3.small, egress of us-east-1 with its steps, " +
        "public addresses, traffic between zones, the balancer's hour and storage classes cross-checked in public copies " +
        "(2026-08, 2026-09); other types in proportion, other regions and the rest as listed for long",
    instanceTypes,
    regions: amazonRegions,
    storageClasses,
    /** To put objects into STANDARD. What is taken away costs nothing. */
    putUsdPer1000: 0.005,
    publicAddressHourlyUsd: 0.005,
    balancerHourlyUsd: 0.0225,
    /** A gigabyte an hour is one capacity unit. */
    balancerUsdPerGb: 0.006,
    /** Both ways, for what the balancer fetches from another zone. */
    crossZoneUsdPerGb: 0.02,
    /** gp3. */
    diskMonthlyUsdPerGib: 0.08,
    /** What the account sends for nothing each month. */
    freeEgressGb: 100,
    /** Egress by steps, as a part of the first step's price; `upToGb` counts from the first gigabyte on. */
    egressSteps: [
        { upToGb: 10_000, part: 1 },
        { upToGb: 50_000, part: 0.085 / 0.09 },
        { upToGb: 150_000, part: 0.07 / 0.09 },
        { upToGb: Infinity, part: 0.05 / 0.09 },
    ],
    /** From one region to another, as copies of buckets go. */
    betweenRegionsUsdPerGib: 0.02,
    /** An instance's metrics by the minute: seven. */
    instanceMetricsMonthlyUsd: 2.1,
    alarmMonthlyUsd: 0.1,
} as const satisfies PriceSource & Record<string, unknown>;

/** What a Cloudflare plan allows for load balancing. */
export interface DnsPlanFacts {
    balancers: number;
    pools: number;
    /** Endpoints over all pools. */
    endpoints: number;
    /** Shortest time between two health checks. */
    minimumIntervalSeconds: number;
    /** Shortest TTL of a plain record; balanced names may have less. */
    minimumRecordTtlSeconds: number;
    /** List price of the plan itself, in US dollars; without one where a contract says it. */
    monthlyUsd?: number;
}

/**
 * Its two pages disagree on the interval of plans below Enterprise, so the longer one stands here. A contract may say
 * otherwise: `dns.limits` overrides each limit.
 */
const cloudflarePlans: Readonly<Record<"free" | "pro" | "business" | "enterprise", DnsPlanFacts>> = {
    free: {
        balancers: 20,
        pools: 20,
        endpoints: 20,
        minimumIntervalSeconds: 60,
        minimumRecordTtlSeconds: 60,
        monthlyUsd: 0,
    },
    pro: {
        balancers: 20,
        pools: 20,
        endpoints: 20,
        minimumIntervalSeconds: 60,
        minimumRecordTtlSeconds: 60,
        monthlyUsd: 25,
    },
    business: {
        balancers: 20,
        pools: 20,
        endpoints: 20,
        minimumIntervalSeconds: 15,
        minimumRecordTtlSeconds: 60,
        monthlyUsd: 250,
    },
    enterprise: {
        balancers: 1000,
        pools: 1000,
        endpoints: 1000,
        minimumIntervalSeconds: 10,
        minimumRecordTtlSeconds: 30,
    },
};

/** Cloudflare, DNS only: plans, and load balancing as an addition to each. */
export const cloudflarePrices = {
    read: "2026-09-20",
    source:
        "Cloudflare's load-balancing documentation (limitations, monitor settings) for limits; list prices as stations pay " +
        "them (about 60 US dollars for twelve endpoints), without a page that confirms each: compare them with your bill",
    plans: cloudflarePlans,
    /** Load balancing with its first two endpoints. */
    balancingMonthlyUsd: 5,
    includedEndpoints: 2,
    endpointMonthlyUsd: 5,
    /** Answers by geography. */
    steeringMonthlyUsd: 10,
    includedQueries: 500_000,
    usdPerMillionQueries: 1,
} as const satisfies PriceSource & Record<string, unknown>;

export type CloudflarePlan = keyof typeof cloudflarePlans;

/** Amazon's Route 53: zone, checks from outside of Amazon, and queries by latency or geography. */
export const route53Prices = {
    read: "2026-09-20",
    source: "Route 53's pricing page",
    zoneMonthlyUsd: 0.5,
    checkMonthlyUsd: 0.75,
    usdPerMillionQueries: 0.7,
} as const satisfies PriceSource & Record<string, unknown>;

/** What others take for what is sent to listeners, by the gigabyte. For comparison: Aerial does not use them by itself. */
export const deliveryPrices = {
    read: "2026-09-20",
    source:
        "Bunny's and CloudFront's pricing pages; Hetzner's API (2026-05, in euros, repriced 2026-06-15: compare); Vultr by a " +
        "reseller's documentation; the price of the story's server as known from its time, without a source",
    usdPerGb: {
        /** HLS by Bunny's volume network. */
        bunny: 0.005,
        /** After the first terabyte. */
        cloudFront: 0.085,
        /** In euros, beyond the 20 TB that a server in Europe includes. */
        hetzner: 0.001,
        /** In North America and Western Europe. */
        vultr: 0.01,
        /** A rented server that charges by the gigabyte. */
        rentedServer: 0.12,
    },
} as const satisfies PriceSource & Record<string, unknown>;

/** All parts of the table, by whose prices they are. */
export const priceSources: Readonly<Record<string, PriceSource>> = {
    DigitalOcean: digitalOceanPrices,
    Amazon: amazonPrices,
    Cloudflare: cloudflarePrices,
    "Route 53": route53Prices,
    "content delivery networks": deliveryPrices,
};

/** Prices change a few times a year. */
const monthsOfUse = 6;

/**
 * What to say of prices that were read more than six months ago, a line for each part of the table.
 *
 * @param today as in `2026-11-28`.
 */
export function stalePrices(
    today: string,
    sources: Readonly<Record<string, PriceSource>> = priceSources,
): string[] {
    const limit = new Date(today);
    limit.setUTCMonth(limit.getUTCMonth() - monthsOfUse);
    return Object.entries(sources)
        .filter(([, { read }]) => new Date(read) < limit)
        .map(
            ([whose, { read }]) =>
                `prices of ${whose} were read on ${read}, more than six months ago: compare model/prices.ts with today's`,
        );
}
