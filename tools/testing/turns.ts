import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withLock } from "../../lab/workstation/lock";

/*
 * What runs side by side shares the processors. A test that wants them for itself waits until nobody else is at work
 * that starts machines or listens, and nobody begins meanwhile.
 *
 * Who works holds a lock of its own, taken while nobody is on the threshold; who wants to be alone stands on the
 * threshold and collects all of them. `folder` holds the locks.
 */

export type Release = () => Promise<void>;

/** Waits until nobody wants to be alone, and works from then on, until it is released. */
export async function takeTurn(folder: string, name: string): Promise<Release> {
    mkdirSync(folder, { recursive: true });
    const own = join(folder, `${name}.lock`);
    if (!existsSync(own)) {
        writeFileSync(own, "");
    }
    const enter = await hold(threshold(folder));
    const release = await hold(own);
    await enter();
    return release;
}

/** Waits until nobody works, and keeps everybody from it until it is released. Release your own turn first. */
export async function takeAllTurns(folder: string): Promise<Release> {
    const held = [await hold(threshold(folder))];
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".lock"))) {
        held.push(await hold(join(folder, file)));
    }
    return async () => {
        await Promise.all(held.map((release) => release()));
    };
}

const threshold = (folder: string): string => join(folder, "threshold");

/** Takes a lock; it is held until the function that is returned is called. */
function hold(file: string): Promise<Release> {
    return new Promise((taken, failed) => {
        const ended = withLock(file, () => new Promise<void>((end) => taken(() => (end(), ended))));
        ended.catch(failed);
    });
}
