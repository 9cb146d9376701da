import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Operation, OperationResult } from "../../../lab/engine/operate";
import { operateAsOperator, operateCommand } from "../../../lab/engine/run";
import { stackFile } from "../../../lab/engine/stackFile";
import { inNetwork } from "../../../lab/network/network";
import { checkout, labPath } from "../../../lab/paths";
import { readJson } from "../../../lab/workstation/files";

/** An edit of a file of the checkout: a text in it, and what stands in its place. */
export interface Edit {
    file: string;
    text: string;
    instead: string;
}

/**
 * `pulumi up` of this lab's station, from this checkout, or from an engineer's copy of it with these edits; with `refresh`,
 * it first looks at what there is.
 */
export async function pulumiUp(
    edits: readonly Edit[] = [],
    { refresh = false } = {},
): Promise<OperationResult> {
    return inCopy(edits, async (operation, folder) => {
        const resultFile = join(folder, "result.json");
        await operateAsOperator({ ...operation, refresh, resultFile });
        return readJson(resultFile) as OperationResult;
    });
}

/**
 * The same, killed after some time with its engine, as when the workstation loses its power: no step is ended in order.
 *
 * @returns whether it was still under way.
 */
export async function killedPulumiUp(afterSeconds: number): Promise<boolean> {
    return inCopy([], async (operation) => {
        const [program = "", ...args] = inNetwork("operator", operateCommand(operation));
        // A process group of its own, of which the engine is a part.
        const child = spawn(program, args, { stdio: "inherit", detached: true });
        const over = new Promise<void>((resolve, reject) => {
            child.once("error", reject);
            child.once("close", () => resolve());
        });
        await Promise.race([over, sleep(afterSeconds * 1000)]);
        const { exitCode, pid } = child;
        const isUnderWay = exitCode === null && pid !== undefined;
        if (isUnderWay) {
            process.kill(-pid, "SIGKILL");
        }
        await over;
        return isUnderWay;
    });
}

async function inCopy<T>(
    edits: readonly Edit[],
    work: (operation: Operation, folder: string) => Promise<T>,
): Promise<T> {
    const folder = mkdtempSync(labPath("checkout-"));
    try {
        const program = edits.length > 0 ? copyWith(edits, join(folder, "copy")) : undefined;
        const choice = { stack: "lab", mode: "machines" as const, stackFile: stackFile(), program };
        return await work({ operation: "up", ...choice }, folder);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** @returns the program of the copy. */
function copyWith(edits: readonly Edit[], folder: string): string {
    mkdirSync(folder);
    for (const part of ["index.ts", "package.json", "tsconfig.json", "components", "config", "model"]) {
        cpSync(join(checkout, part), join(folder, part), { recursive: true });
    }
    cpSync(join(checkout, "config-templates"), join(folder, "config-templates"), { recursive: true });
    symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
    for (const { file, text, instead } of edits) {
        const before = readFileSync(join(folder, file), "utf8");
        if (!before.includes(text)) {
            throw new Error(`${file} has no ${JSON.stringify(text)} to edit`);
        }
        writeFileSync(
            join(folder, file),
            before.replace(text, () => instead),
        );
    }
    return join(folder, "index");
}
