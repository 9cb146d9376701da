/** The value below which a share of the values lies, by the nearest rank. NaN without values. */
export function percentile(values: readonly number[], share: number): number {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** The one in the middle; of an even number, the mean of the two in the middle. NaN without values. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const upper = sorted[sorted.length >> 1] ?? NaN;
    return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? NaN) + upper) / 2;
}

/** The medians of objects with the same keys, key by key. */
export function medians<Key extends string>(
    rounds: readonly Readonly<Record<Key, number>>[],
): Record<Key, number> {
    const keys = Object.keys(rounds[0] ?? {}) as Key[];
    return Object.fromEntries(keys.map((key) => [key, median(rounds.map((round) => round[key]))])) as Record<
        Key,
        number
    >;
}
