import { join } from "node:path";

import { run } from "../../lab/workstation/run";
import { checkout } from "../../lab/paths";
import { configurationReference } from "./markdown";
import { stackFileSchema, stationJsonSchema } from "./schema";

/** A file that is made from the schema in `config/`. */
export interface GeneratedFile {
    /** In the checkout. */
    path: string;
    /** In the form that prettier leaves alone. */
    text: string;
}

/** The reference of the configuration for people, and for editors. */
export function configurationFiles(): Promise<GeneratedFile[]> {
    return Promise.all([
        formatted("docs/configuration.schema.json", JSON.stringify(stackFileSchema())),
        formatted("docs/configuration.md", configurationReference(stationJsonSchema())),
    ]);
}

async function formatted(path: string, text: string): Promise<GeneratedFile> {
    // Its library is a module of a kind that tests cannot load.
    const prettier = join(checkout, "node_modules/.bin/prettier");
    const { stdout } = await run([prettier, "--stdin-filepath", path], { cwd: checkout, stdin: text });
    return { path, text: stdout };
}
