import { setTimeout as sleep } from "node:timers/promises";

/**
 * Looks until there is a value other than undefined or false, and returns it.
 *
 * @throws with the text of `complaint` when there is none after `limitMs`.
 */
export async function waitFor<T>(
    look: () => T | Promise<T>,
    { limitMs, everyMs, complaint }: { limitMs: number; everyMs: number; complaint: () => string },
): Promise<Exclude<T, undefined | false>> {
    const deadline = Date.now() + limitMs;
    for (;;) {
        const found = await look();
        if (found !== undefined && found !== false) {
            return found as Exclude<T, undefined | false>;
        }
        if (Date.now() > deadline) {
            throw new Error(complaint());
        }
        await sleep(everyMs);
    }
}
