import { randomUUID } from "node:crypto";

import { firstFree, nthAddress, rangesOverlap } from "../cloud/addresses";
import { machineAddress, reservedAddress } from "../network/addresses";
import { reservedVpcRanges } from "./facts";
import { droplets, reservedIps, vpcs, type VpcRecord } from "./records";

/* Which addresses and ranges the lab's DigitalOcean gives out. Call all of these within `exclusively`. */

export function freePublicAddress(region: string): string {
    const taken = droplets.all().map((droplet) => droplet.address);
    return firstFree((n) => machineAddress(region, n), taken);
}

export function freeReservedAddress(): string {
    return firstFree(reservedAddress, reservedIps.ids());
}

/** The lowest free private address of a VPC. The first two belong to the network and its router. */
export function freePrivateAddress({ ipRange }: VpcRecord): string {
    const taken = droplets.all().map((droplet) => droplet.privateAddress);
    return firstFree((n) => nthAddress(ipRange, n + 2), taken);
}

export function freeVpcRange(): string {
    const taken = [...reservedVpcRanges, ...vpcs.all().map((vpc) => vpc.ipRange)];
    const ranges = Array.from({ length: 120 }, (_, n) => `10.${100 + n}.0.0/20`);
    const free = ranges.find((range) => !taken.some((other) => rangesOverlap(range, other)));
    if (free === undefined) {
        throw new Error("the lab has no private range left");
    }
    return free;
}

/** A region's default VPC, where droplets go that name none; made when first needed, as there. */
export function defaultVpc(region: string): VpcRecord {
    const present = vpcs.all().find((vpc) => vpc.default && vpc.region === region);
    if (present) {
        return present;
    }
    const vpc: VpcRecord = {
        id: randomUUID(),
        name: `default-${region}`,
        region,
        ipRange: freeVpcRange(),
        description: "",
        default: true,
        createdAt: new Date().toISOString(),
    };
    vpcs.put(vpc.id, vpc);
    return vpc;
}
