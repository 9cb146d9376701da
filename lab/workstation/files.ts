import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a file whole or not at all, even if the process dies meanwhile or another process writes the same file. */
export function writeAtomically(file: string, content: string, mode = 0o600): void {
    mkdirSync(dirname(file), { recursive: true });
    const temporary = `${file}.${randomBytes(4).toString("hex")}~`;
    writeFileSync(temporary, content, { mode });
    renameSync(temporary, file);
}

/** A JSON file's value, or undefined when there is no such file. */
export function readJson(file: string): unknown {
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as unknown) : undefined;
}

export function writeJson(file: string, value: unknown): void {
    writeAtomically(file, JSON.stringify(value, null, 2) + "\n");
}
