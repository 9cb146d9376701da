import { reservedIps } from "../digitalocean/records";
import { inRange, machineAddress, parseRange, reservedAddress } from "../network/addresses";
import { readNetwork } from "../network/state";
import { eips, type SubnetRecord } from "./records";

/* Which addresses the lab's EC2 gives out. */

/** The first of `candidate(0)`, `candidate(1)` … that nobody has. */
function firstFree(candidate: (n: number) => string, taken: readonly string[]): string {
    for (let n = 0; ; n++) {
        const value = candidate(n);
        if (!taken.includes(value)) {
            return value;
        }
    }
}

/** From the end of the reserved range: DigitalOcean gives them out from its beginning. */
export function freeElasticAddress(): string {
    const taken = [...reservedIps.ids(), ...eips.all().map(({ address }) => address)];
    return firstFree((n) => reservedAddress(253 - n), taken);
}

/** Addresses on the network. */
function takenAddresses(): string[] {
    const endpoints = Object.values(readNetwork().endpoints);
    return endpoints.flatMap((one) => [one.address, one.private?.address ?? ""]);
}

/** @param taken by instances that may not be on the network yet. */
export function freeInstanceAddress(region: string, taken: readonly string[]): string {
    return firstFree((n) => machineAddress(region, n), [...takenAddresses(), ...taken]);
}

/** The lowest free address of a subnet, whose first four belong to Amazon. @param taken as above. */
export function freeSubnetAddress(subnet: SubnetRecord, taken: readonly string[]): string {
    const { base, length } = parseRange(subnet.cidr);
    const candidate = (n: number): string => {
        if (n + 5 >= 2 ** (32 - length)) {
            throw new Error(`There are not enough free addresses in subnet '${subnet.id}'.`);
        }
        return [24, 16, 8, 0].map((shift) => ((base + n + 4) >>> shift) & 255).join(".");
    };
    return firstFree(candidate, [...takenAddresses(), ...taken]);
}

export function rangesOverlap(one: string, other: string): boolean {
    const first = (range: string): string => range.split("/")[0] ?? "";
    return inRange(first(one), other) || inRange(first(other), one);
}
