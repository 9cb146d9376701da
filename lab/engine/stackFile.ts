import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { writeAtomically } from "../workstation/files";
import { callerFolder, checkout, labPath } from "../paths";

/** File with the path of the stack file that this lab was started with. */
const memory = labPath("stack-file");

/**
 * The stack file of this lab's station: the given one, else the one that the lab was started with, else
 * `Pulumi.lab.yaml`.
 *
 * @param given a path, relative to the folder from which the lab was called.
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
    return existsSync(memory) ? readFileSync(memory, "utf8").trim() : join(checkout, "Pulumi.lab.yaml");
}

/** Makes this the lab's stack file, until another one is given. */
export function rememberStackFile(path: string): void {
    writeAtomically(memory, `${path}\n`, 0o644);
}
