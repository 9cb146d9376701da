/*
 * Rotation: a secret of the station is one of a row of generations, 1, 2, 3, …. To rotate it is to raise the number of
 * the present one.
 */

/** Which generations of a secret there are at a time. */
export interface Generations {
    /** The one that machines use. */
    present: number;
    /**
     * Those that machines accept, oldest first: the previous, the present and the next one. The next one is accepted
     * before it is used, so that machines need no order: whoever uses it first is let in by all others.
     */
    accepted: number[];
}

/**
 * The generations around a present one.
 *
 * @param present 1 or more.
 * @param acceptPrevious whether the one before it is accepted still.
 */
export function generationsAround(present: number, acceptPrevious: boolean): Generations {
    const previous = acceptPrevious && present > 1 ? [present - 1] : [];
    return { present, accepted: [...previous, present, present + 1] };
}

/** Makes one thing for each accepted generation, oldest first, and says which is the present one's. */
export function ofGenerations<T>(
    { present, accepted }: Generations,
    make: (generation: number) => T,
): { present: T; accepted: { generation: number; value: T }[] } {
    const own = make(present);
    return {
        present: own,
        accepted: accepted.map((generation) => ({
            generation,
            value: generation === present ? own : make(generation),
        })),
    };
}
