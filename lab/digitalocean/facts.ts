import { digitalOceanRegions } from "../../model/providerRegions";
import { ApiError } from "./api";

/*
 * What DigitalOcean offers. Sources: its API documentation and price list, 2026-09; `GET /v2/sizes` in published
 * answers. Only what a station could want: an unknown slug is refused, as there.
 */

/** Refuses a region that DigitalOcean does not have, or has closed to new customers. */
export function checkRegion(region: string, request: string, reason = "region is invalid"): void {
    if (!Object.hasOwn(digitalOceanRegions, region)) {
        throw new ApiError(422, request, reason);
    }
}

export interface SizeFacts {
    vcpus: number;
    memoryMiB: number;
    diskGiB: number;
    monthlyUsd: number;
}

function size(vcpus: number, memoryMiB: number, diskGiB: number, monthlyUsd: number): SizeFacts {
    return { vcpus, memoryMiB, diskGiB, monthlyUsd };
}

export const sizeFacts: Readonly<Record<string, SizeFacts>> = {
    "s-1vcpu-512mb-10gb": size(1, 512, 10, 4),
    "s-1vcpu-1gb": size(1, 1024, 25, 6),
    "s-1vcpu-1gb-amd": size(1, 1024, 25, 7),
    "s-1vcpu-1gb-intel": size(1, 1024, 25, 7),
    "s-1vcpu-2gb": size(1, 2048, 50, 12),
    "s-1vcpu-2gb-amd": size(1, 2048, 50, 14),
    "s-1vcpu-2gb-intel": size(1, 2048, 50, 14),
    "s-2vcpu-2gb": size(2, 2048, 60, 18),
    "s-2vcpu-2gb-amd": size(2, 2048, 60, 21),
    "s-2vcpu-2gb-intel": size(2, 2048, 60, 21),
    "s-2vcpu-4gb": size(2, 4096, 80, 24),
    "s-2vcpu-4gb-amd": size(2, 4096, 80, 28),
    "s-2vcpu-4gb-intel": size(2, 4096, 80, 28),
    "s-4vcpu-8gb": size(4, 8192, 160, 48),
    "s-4vcpu-8gb-amd": size(4, 8192, 160, 56),
    "s-4vcpu-8gb-intel": size(4, 8192, 160, 56),
    "s-8vcpu-16gb": size(8, 16384, 320, 96),
    "s-8vcpu-16gb-amd": size(8, 16384, 320, 112),
    "s-8vcpu-16gb-intel": size(8, 16384, 320, 112),
    "c-2": size(2, 4096, 25, 42),
    "c-4": size(4, 8192, 50, 84),
    "c-8": size(8, 16384, 100, 168),
    "g-2vcpu-8gb": size(2, 8192, 25, 63),
    "g-4vcpu-16gb": size(4, 16384, 50, 126),
};

/** Image slugs. The machines of the lab are made of the first; `record` mode accepts all. */
export const imageSlugs: readonly string[] = [
    "debian-13-x64",
    "debian-12-x64",
    "debian-11-x64",
    "ubuntu-24-04-x64",
    "ubuntu-22-04-x64",
    "fedora-42-x64",
    "almalinux-9-x64",
    "rockylinux-9-x64",
];

/** Most bytes of user data: "may not exceed 64 KiB in size". */
export const maxUserDataBytes = 64 * 1024;

/** Most droplets and tags that one firewall names itself. */
export const maxFirewallDroplets = 10;
export const maxFirewallTags = 5;

/** Sizes of a volume, and how many a droplet may have. */
export const volumeSizeGiB = { minimum: 1, maximum: 16_384 } as const;
export const maxDropletVolumes = 7;

/** Private ranges that DigitalOcean keeps for itself. */
export const reservedVpcRanges: readonly string[] = [
    "10.244.0.0/16",
    "10.245.0.0/16",
    "10.246.0.0/24",
    "10.229.0.0/16",
];
