import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/**
 * Imported before anything of the lab: each of these test files makes and removes a lab of its own, beside the one in
 * use and those of other clones. The same for every run, so that the next one removes what a killed one has left.
 */
const test = expect.getState().testPath ?? __filename;
const clone = createHash("sha256").update(__dirname).digest("hex").slice(0, 6);
process.env.AERIAL_LAB = join(tmpdir(), `aerial-${basename(test, ".test.ts")}-${clone}`);
