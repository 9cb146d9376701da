import { resolve } from "node:path";

/** The checkout. */
export const checkout = resolve(__dirname, "../..");

/** What the last test run left: a log and jest's results for each step, the test lab. Ignored by git. */
export const resultsFolder = resolve(checkout, ".test");

/** Where those who run side by side take turns; see turns.ts. */
export const turnsFolder = resolve(resultsFolder, "turns");
