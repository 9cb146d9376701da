import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Imported before anything of the lab: these tests keep records of a cloud of their own, and make nothing. */
process.env.AERIAL_LAB = mkdtempSync(join(tmpdir(), "aerial-record-"));
process.env.AERIAL_LAB_MODE = "record";
