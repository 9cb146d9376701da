import { tmpdir } from "node:os";
import { join } from "node:path";

/** Imported before anything of the lab: these tests make and remove a lab of their own, beside the one in use. */
process.env.AERIAL_LAB = join(tmpdir(), "aerial-dns-test");
