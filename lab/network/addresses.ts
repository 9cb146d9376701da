import {
    awsRegions as amazonTable,
    digitalOceanRegions as digitalOceanTable,
} from "../../model/providerRegions";

/*
 * The addresses of the lab. All are in 198.18.0.0/15, which RFC 2544 reserves for tests: they never belong to a real
 * machine, and no route leads out of the lab.
 *
 * - 198.18.<16 · n>.0/20: public addresses of DigitalOcean's region number n, with the region's listener at the end.
 * - 198.19.0.0/24: reserved addresses, which move between machines or lead to a balancer.
 * - 198.19.<16 + 16 · n>.0/20: public addresses of Amazon's region number n, likewise.
 * - 198.19.255.0/24: the outside world: the operator, the places of the sources, DNS, the certificate authority,
 *   Amazon's services.
 *
 * The order of the tables gives the numbers, so a new region there moves addresses: take the lab down before.
 */

/** DigitalOcean's regions, numbered by their order. */
export const regions: readonly string[] = Object.keys(digitalOceanTable);

/** Amazon's regions, numbered by their order. */
export const awsRegions: readonly string[] = Object.keys(amazonTable);

/** All addresses of the lab's public internet. */
export const internet = "198.18.0.0/15";

/** Reserved addresses, of all regions. */
export const reservedRange = "198.19.0.0/24";

/** The lab's DNS server. */
export const resolverAddress = "198.19.255.53";

/** Places outside any region. */
export const sites: Readonly<Record<string, string>> = {
    dns: resolverAddress,
    // Where the engine's SSH connections come from.
    operator: "198.19.255.10",
    studio: "198.19.255.20",
    mobile: "198.19.255.21",
    airtime: "198.19.255.22",
    acme: "198.19.255.80",
    // Amazon's S3 of all regions, and Amazon's other services.
    s3: "198.19.255.90",
    aws: "198.19.255.91",
};

/** Amazon's metadata service, the same for every instance; the place `aws` answers there too. */
export const metadataAddress = "169.254.169.254";

/** More addresses at which a place outside answers. */
export const siteServices: Readonly<Record<string, string[]>> = { aws: [metadataAddress] };

/** Next hop of every machine. On a /32 link any address can name the other end. */
export const gateway = "169.254.1.1";

/** The public range of a region, for example `198.18.0.0/20` for ams3. */
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

/** The parts of an IPv4 CIDR range or plain address. @throws when it is neither. */
export function parseRange(range: string): { base: number; length: number } {
    const [address = "", length = "32", rest] = range.split("/");
    if (rest !== undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) {
        throw new Error(`${JSON.stringify(range)} is not an IPv4 range such as 10.0.0.0/16`);
    }
    return { base: toNumber(address), length: Number(length) };
}

/** The link-layer address of an address's owner: always the same, so that neighbours can be set once. */
export function macOf(address: string): string {
    const bytes = toNumber(address).toString(16).padStart(8, "0").match(/../g) ?? [];
    return `02:00:${bytes.join(":")}`;
}

function regionBase(region: string): string {
    const index = regions.indexOf(region);
    const awsIndex = awsRegions.indexOf(region);
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
