import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";

import { takeAllTurns, takeTurn, type Release } from "../../tools/testing/turns";

/*
 * Sets of drills, each in its own lab, and template tests run side by side on the same processors. A test that wants
 * those for itself waits here until nobody else is in a test, and nobody begins one meanwhile. Loaded before each file of
 * drills, whose tests take turns one by one, and of templates, whose files do: much of their work comes before the tests.
 */

/** Made by `npm test` where several run; there is nobody to wait for without it. */
const folder = process.env.AERIAL_TURNS;

/** Long enough for the longest test or file of others, and for a lab that goes up. In ms. */
const turnPatienceMs = 600_000;

let turn: Release | undefined;

if (folder !== undefined) {
    const path = expect.getState().testPath ?? "";
    const holder = basename(dirname(path));
    if (holder === "templates") {
        beforeAll(async () => {
            turn = await takeTurn(folder, `${holder}-${basename(path)}`);
        }, turnPatienceMs);
        afterAll(release);
    } else {
        beforeEach(async () => {
            turn = await takeTurn(folder, holder);
        }, turnPatienceMs);
        afterEach(release);
    }
}

/**
 * From here on to its end, a test (a file of templates) has the processors for itself. Others' lasting work goes on: labs,
 * tests that only compute. It waits first, so its own limit has to be longer than `turnPatienceMs`.
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
