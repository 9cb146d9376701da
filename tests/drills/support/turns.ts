import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";

import { takeAllTurns, takeTurn, type Release } from "../../../tools/testing/turns";

/*
 * Sets of drills run side by side, each in its own lab on the same processors. A test that wants those for itself waits
 * here until no other set is in a test, and none begins one meanwhile. Loaded before each file of drills.
 */

/** Made by `npm test` where several run; there is nobody to wait for without it. */
const folder = process.env.AERIAL_TURNS;

/** Long enough for the longest test of another set, and for a lab that goes up. */
const patienceMs = 600_000;

let turn: Release | undefined;

if (folder !== undefined) {
    const set = basename(dirname(expect.getState().testPath ?? ""));
    beforeEach(async () => {
        turn = await takeTurn(folder, set);
    }, patienceMs);

    afterEach(release);
}

/**
 * From here on to its end, a test has the processors for itself. Others' lasting work goes on: labs, tests aside. The
 * test waits first, so its own limit has to be longer than `patienceMs`.
 */
export async function alone(): Promise<void> {
    if (folder === undefined || !existsSync(folder)) {
        return;
    }
    // Its own turn first: two who want to be alone would wait for each other.
    await release();
    turn = await takeAllTurns(folder);
}

async function release(): Promise<void> {
    await turn?.();
    turn = undefined;
}
