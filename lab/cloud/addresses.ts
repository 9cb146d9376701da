import { inRange, parseRange } from "../network/addresses";

/* How clouds give out addresses and ranges. */

/** The first of `candidate(0)`, `candidate(1)` … that nobody has. */
export function firstFree(candidate: (n: number) => string, taken: readonly string[]): string {
    for (let n = 0; ; n++) {
        const value = candidate(n);
        if (!taken.includes(value)) {
            return value;
        }
    }
}

/** The n-th address of a range, counted from 0. */
export function nthAddress(range: string, n: number): string {
    const value = parseRange(range).base + n;
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

export function rangesOverlap(one: string, other: string): boolean {
    const first = (range: string): string => range.split("/")[0] ?? "";
    return inRange(first(one), other) || inRange(first(other), one);
}
