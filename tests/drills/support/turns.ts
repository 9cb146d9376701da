import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { withLock } from "../../../lab/workstation/lock";

/*
 * Sets of drills run side by side, each in its own lab on the same processors. A test that wants those for itself waits
 * here until no other set is in a test, and none begins one meanwhile. Loaded before each file of drills.
 *
 * Each set holds a lock of its own during a test, taken while nobody is on the threshold; who wants to be alone stands
 * on the threshold and collects all of them.
 */

/** Made by tools/test where several sets run; there is nobody to wait for without it. */
const folder = process.env.AERIAL_TURNS;

type Release = () => Promise<void>;

const held: Release[] = [];

/** Long enough for the longest test of another set. */
const patienceMs = 600_000;

if (folder !== undefined) {
    const set = basename(dirname(expect.getState().testPath ?? ""));
    mkdirSync(folder, { recursive: true });
    const own = join(folder, `${set}.lock`);
    writeFileSync(own, "", { flag: "a" });

    beforeEach(async () => {
        const enter = await hold(threshold(folder));
        held.push(await hold(own));
        await enter();
    }, patienceMs);

    afterEach(release);
}

/** From here on to its end, a test has the processors for itself. Others' lasting work goes on: labs, tests aside. */
export async function alone(): Promise<void> {
    if (folder === undefined || !existsSync(folder)) {
        return;
    }
    // Its own turn first: two who want to be alone would wait for each other.
    await release();
    held.push(await hold(threshold(folder)));
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".lock"))) {
        held.push(await hold(join(folder, file)));
    }
}

const threshold = (turns: string): string => join(turns, "threshold");

async function release(): Promise<void> {
    await Promise.all(held.splice(0).map((one) => one()));
}

/** Takes a lock; it is held until the function that is returned is called. */
function hold(file: string): Promise<Release> {
    return new Promise((taken, failed) => {
        const ended = withLock(file, () => new Promise<void>((end) => taken(() => (end(), ended))));
        ended.catch(failed);
    });
}
