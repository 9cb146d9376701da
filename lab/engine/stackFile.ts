import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { writeAtomically } from "../workstation/files";
import { callerFolder, checkout, labPath } from "../paths";

/** Where a lab keeps the path of the settings it was put up with, when they are not the committed ones. */
const memory = (): string => labPath("stack-file");

/**
 * The file with the settings of this lab's station: the one given, else the one that it was put up with, else
 * `Pulumi.lab.yaml`.
 *
 * @param given as a person wrote it, from the folder they are in.
 * @throws when there is no such file.
 */
export function stackFile(given?: string): string {
    const file = given === undefined ? remembered() : resolve(callerFolder, given);
    if (!existsSync(file)) {
        throw new Error(`there is no ${file}, which would describe the station (lab up --stack-file <file>)`);
    }
    return file;
}

function remembered(): string {
    return existsSync(memory()) ? readFileSync(memory(), "utf8").trim() : join(checkout, "Pulumi.lab.yaml");
}

/** What is done to this lab from now on is done with these settings, until others are given. */
export function rememberStackFile(path: string): void {
    writeAtomically(memory(), `${path}\n`, 0o644);
}
