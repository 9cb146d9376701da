/** Memory that the Ears take, in MiB, for a number of streams: their own, and ffmpeg's for each. Measured. */
export function earsMemoryMiB(streams: number): number {
    return 80 + 14 * streams;
}

/** How many streams a machine's Ears may decode: a quarter of its memory, so that Prometheus has its own. */
export function mostEarsStreams(memoryMiB: number): number {
    return Math.floor((memoryMiB / 4 - 80) / 14);
}
