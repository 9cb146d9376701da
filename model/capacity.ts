import { sizeFacts } from "./prices";

/** What TCP/IP and TLS add to the audio, measured at 128 kbit/s. */
export const overhead = 1.053;

/**
 * Listeners over TLS that a machine carries at most.
 *
 * Measured: 4,400 for each core through NGINX with TLS; half of a shared one is ours to plan with. Memory: about
 * 35 kB in NGINX and at most 256 KiB in the kernel for a listener who lags, so 2.2 for each MiB.
 */
export function listenersCarried({ vcpus, memoryMiB }: { vcpus: number; memoryMiB: number }): number {
    return Math.min(vcpus * 2200, Math.floor(memoryMiB * 2.2));
}

/** Listeners to whom a line brings their audio. */
export function listenersSent(mbps: number, bitrateKbps: number): number {
    return Math.floor((mbps * 1000) / (bitrateKbps * overhead));
}

/** Listeners at which a droplet is full. */
export function listenerLimit(size: string): number {
    return listenersCarried(sizeFacts(size));
}
