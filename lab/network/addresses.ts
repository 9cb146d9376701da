/**
 * Who has which address in the lab. All of it lies in 198.18.0.0/15, which RFC 2544 keeps for tests: nothing real can
 * be meant by it, and no route leads out.
 *
 * - 198.18.<16 · n>.0/20: public addresses of the n-th DigitalOcean region; at its end, the region's listener.
 * - 198.19.0.0/24: reserved addresses, which move from machine to machine, or lead to a balancer.
 * - 198.19.<16 + 16 · n>.0/20: the same for the n-th of Amazon's regions.
 * - 198.19.255.0/24: the outside world: the operator, the places of the sources, DNS, the certificate authority,
 *   Amazon's services.
 */

/** DigitalOcean's regions (their API's slugs, July 2025). The order fixes the addresses: only ever append. */
export const regions = [
    "nyc1",
    "nyc2",
    "nyc3",
    "ams2",
    "ams3",
    "sfo1",
    "sfo2",
    "sfo3",
    "sgp1",
    "lon1",
    "fra1",
    "tor1",
    "blr1",
    "syd1",
    "atl1",
    "ric1",
] as const;

/** Amazon's regions, as in the catalogue. The order fixes the addresses: only ever append. */
export const awsRegions = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
] as const;

/** All addresses of the lab's public internet. */
export const internet = "198.18.0.0/15";

/** Reserved addresses, of all regions. */
export const reservedRange = "198.19.0.0/24";

/** Where the engine's SSH connections come from. */
export const operatorAddress = "198.19.255.10";

/** Who answers for names, to everybody. */
export const resolverAddress = "198.19.255.53";

/** Places outside any region. */
export const sites: Readonly<Record<string, string>> = {
    dns: resolverAddress,
    operator: operatorAddress,
    studio: "198.19.255.20",
    mobile: "198.19.255.21",
    airtime: "198.19.255.22",
    acme: "198.19.255.80",
    // Amazon's S3, of all regions; and its other services.
    s3: "198.19.255.90",
    aws: "198.19.255.91",
};

/** Where every instance of Amazon's finds what it is; the place `aws` answers there, too. */
export const metadataAddress = "169.254.169.254";

/** Addresses that a place outside answers at beside its own. */
export const siteServices: Readonly<Record<string, string[]>> = { aws: [metadataAddress] };

/** Next hop of every machine; on a /32 link it needs to be nothing but a name for the other end. */
export const gateway = "169.254.1.1";

/** The public range of a region, for example `198.18.64.0/20` for ams3. */
export function regionRange(region: string): string {
    return `${regionBase(region)}.0/20`;
}

/** Address of the n-th machine of a region, counted from 0. */
export function machineAddress(region: string, n: number): string {
    if (!Number.isInteger(n) || n < 0 || n >= 3000) {
        throw new Error(`region ${region} has no address for machine number ${n}`);
    }
    return offset(`${regionBase(region)}.10`, n);
}

/** Address of a region's listener, at the end of the region's range. */
export function clientAddress(region: string): string {
    return offset(`${regionBase(region)}.0`, 15 * 256 + 250);
}

/** The n-th reserved address, counted from 0. */
export function reservedAddress(n: number): string {
    if (!Number.isInteger(n) || n < 0 || n >= 254) {
        throw new Error(`there is no reserved address number ${n}`);
    }
    return offset("198.19.0.1", n);
}

/** The region an address belongs to; undefined for reserved and outside addresses. */
export function regionOf(address: string): string | undefined {
    return [...regions, ...awsRegions].find((region) => inRange(address, regionRange(region)));
}

/** Whether an IPv4 address lies in a CIDR range. */
export function inRange(address: string, range: string): boolean {
    const { base, length } = parseRange(range);
    return (toNumber(address) & maskOf(length)) >>> 0 === (base & maskOf(length)) >>> 0;
}

/** An IPv4 CIDR range (or plain address) in parts. @throws when it is none. */
export function parseRange(range: string): { base: number; length: number } {
    const [address = "", length = "32", rest] = range.split("/");
    if (rest !== undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) {
        throw new Error(`${JSON.stringify(range)} is not an IPv4 range such as 10.0.0.0/16`);
    }
    return { base: toNumber(address), length: Number(length) };
}

/** A link-layer address that is the same each time for the same owner, so that neighbours can be set for good. */
export function macOf(address: string): string {
    const bytes = toNumber(address).toString(16).padStart(8, "0").match(/../g) ?? [];
    return `02:00:${bytes.join(":")}`;
}

function regionBase(region: string): string {
    const index = regions.findIndex((known) => known === region);
    const awsIndex = awsRegions.findIndex((known) => known === region);
    if (index < 0 && awsIndex < 0) {
        const known = [...regions, ...awsRegions].join(", ");
        throw new Error(`there is no region ${JSON.stringify(region)}; there are ${known}`);
    }
    return index >= 0 ? `198.18.${index * 16}` : `198.19.${(awsIndex + 1) * 16}`;
}

function offset(address: string, by: number): string {
    const value = toNumber(address) + by;
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

function toNumber(address: string): number {
    const parts = address.split(".");
    if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
        throw new Error(`${JSON.stringify(address)} is not an IPv4 address`);
    }
    return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function maskOf(length: number): number {
    return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}
