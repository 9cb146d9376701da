/* Import this before anything of `lab/`: it gives this process a lab cloud of its own that only records. */
import { labFolder } from "./support";

export const folder = labFolder();

process.env.AERIAL_LAB = folder;
process.env.AERIAL_LAB_MODE = "record";
