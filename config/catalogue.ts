export interface SizeFacts {
    vcpus: number;
    memoryMiB: number;
    /** Transfer included each month, in GiB, pooled over the team's droplets. */
    transferGiB: number;
    /** List price in US dollars. */
    monthlyUsd: number;
}

/**
 * DigitalOcean's Basic droplet sizes, as far as a station needs them.
 *
 * Source: DigitalOcean's API (`/v2/sizes`) and pricing page, read 2026-09-20.
 */
export const digitalOceanSizes: Readonly<Record<string, SizeFacts>> = {
    "s-1vcpu-512mb-10gb": { vcpus: 1, memoryMiB: 512, transferGiB: 500, monthlyUsd: 4 },
    "s-1vcpu-1gb": { vcpus: 1, memoryMiB: 1024, transferGiB: 1000, monthlyUsd: 6 },
    "s-1vcpu-2gb": { vcpus: 1, memoryMiB: 2048, transferGiB: 2000, monthlyUsd: 12 },
    "s-2vcpu-2gb": { vcpus: 2, memoryMiB: 2048, transferGiB: 3000, monthlyUsd: 18 },
    "s-2vcpu-4gb": { vcpus: 2, memoryMiB: 4096, transferGiB: 4000, monthlyUsd: 24 },
    "s-4vcpu-8gb": { vcpus: 4, memoryMiB: 8192, transferGiB: 5000, monthlyUsd: 48 },
    "s-8vcpu-16gb": { vcpus: 8, memoryMiB: 16384, transferGiB: 6000, monthlyUsd: 96 },
};

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
}

/**
 * Source: Cloudflare's load-balancing documentation (limitations, monitor settings), read 2026-09; its two pages
 * disagree on the interval of plans below Enterprise, so the longer one stands here. A contract may say otherwise:
 * `dns.limits` overrides each figure.
 */
export const cloudflarePlans: Readonly<Record<"free" | "pro" | "business" | "enterprise", DnsPlanFacts>> = {
    free: {
        balancers: 20,
        pools: 20,
        endpoints: 20,
        minimumIntervalSeconds: 60,
        minimumRecordTtlSeconds: 60,
    },
    pro: { balancers: 20, pools: 20, endpoints: 20, minimumIntervalSeconds: 60, minimumRecordTtlSeconds: 60 },
    business: {
        balancers: 20,
        pools: 20,
        endpoints: 20,
        minimumIntervalSeconds: 15,
        minimumRecordTtlSeconds: 60,
    },
    enterprise: {
        balancers: 1000,
        pools: 1000,
        endpoints: 1000,
        minimumIntervalSeconds: 10,
        minimumRecordTtlSeconds: 30,
    },
};

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

/**
 * EC2's types that suit a Relay.
 *
 * Source: EC2's network specifications by type; on-demand prices of us-east-1, those of t4g.small and t3.small
 * cross-checked 2026-09, others of their families in proportion, c7g as listed before.
 */
export const instanceTypes: Readonly<Record<string, InstanceTypeFacts>> = {
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
 * Amazon's prices in US dollars, as far as a group of Relays meets them, of us-east-1.
 *
 * Source: public addresses, traffic between zones, the balancer's hour: cross-checked 2026-09; its capacity units and
 * disks: long stable list prices.
 */
export const awsPrices = {
    publicAddressHourlyUsd: 0.005,
    balancerHourlyUsd: 0.0225,
    /** A gigabyte an hour is one capacity unit. */
    balancerUsdPerGb: 0.006,
    /** Both ways, for what the balancer fetches from another zone. */
    crossZoneUsdPerGb: 0.02,
    /** gp3. */
    diskMonthlyUsdPerGib: 0.08,
} as const;

/**
 * What regions cost: egress by the gigabyte (the first step's, up to 10 TB a month; more is cheaper), and how much dearer
 * than us-east-1 everything else is at most, rounded up.
 *
 * Source: egress of us-east-1 cross-checked 2026-09; the others are long stable list prices.
 */
export const awsRegionPrices: Readonly<Record<string, { egressUsdPerGb: number; factor: number }>> = {
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
