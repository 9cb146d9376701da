import { digitalOceanSizes } from "./catalogue";

/**
 * Listeners over TLS that a machine carries at most.
 *
 * Measured: 4,400 for each core through NGINX with TLS; half of a shared one is ours to plan with. Memory: about
 * 35 kB in NGINX and at most 256 KiB in the kernel for a listener who lags, so 2.2 for each MiB.
 */
export function listenersCarried({ vcpus, memoryMiB }: { vcpus: number; memoryMiB: number }): number {
    return Math.min(vcpus * 2200, Math.floor(memoryMiB * 2.2));
}

/** Listeners at which a droplet is full. */
export function listenerLimit(size: string): number {
    const facts = digitalOceanSizes[size];
    if (!facts) {
        throw new Error(`there is no droplet size ${size}`);
    }
    return listenersCarried(facts);
}
