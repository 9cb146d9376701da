/**
 * Runs tasks in their order, as many at once as there are lanes: each lane takes the next when it is free. A task that
 * may fail must say so in its result: one that throws stops its lane.
 *
 * @returns the results in the order of the tasks.
 */
export async function inLanes<Result>(
    tasks: readonly (() => Promise<Result>)[],
    lanes: number,
): Promise<Result[]> {
    const results: Result[] = [];
    const waiting = [...tasks.entries()];
    const lane = async (): Promise<void> => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
            const [place, task] = next;
            results[place] = await task();
        }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return results;
}
