import { join } from "node:path";

import { checkout } from "../lab/paths";
import { run } from "../lab/workstation/run";

/** A file that is made from something else. */
export interface GeneratedFile {
    /** In the checkout. */
    path: string;
    /** In the form that prettier leaves alone. */
    text: string;
}

/** Gives a text the form that prettier leaves alone. */
export async function formatted(path: string, text: string): Promise<GeneratedFile> {
    // Its library is a module of a kind that tests cannot load.
    const prettier = join(checkout, "node_modules/.bin/prettier");
    const { stdout } = await run([prettier, "--stdin-filepath", path], { cwd: checkout, stdin: text });
    return { path, text: stdout };
}
