import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { checkout } from "../lab/paths";
import { configurationFiles } from "./configuration/files";

/** Writes the reference of the configuration; `npm run configuration` runs this. */
configurationFiles()
    .then((files) => {
        for (const { path, text } of files) {
            writeFileSync(join(checkout, path), text);
            console.log(path);
        }
    })
    .catch((error: unknown) => {
        console.error(`configuration: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
    });
