/** `AERIAL_EACH=1`: every fault and every change has a drill. Otherwise some stand for others: all tests together end soon. */
export const each = process.env.AERIAL_EACH === "1";

/** A case of a drill. */
export interface Case {
    /** Whether it happens with `AERIAL_EACH=1` only, as another one stands for it. */
    rarely?: boolean;
}

/** Those of the cases that happen. */
export function happening<T extends Case>(cases: readonly T[]): T[] {
    return cases.filter(({ rarely }) => each || !rarely);
}
