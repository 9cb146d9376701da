import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { operateAsOperator } from "../../../lab/engine/run";
import type { OperationResult } from "../../../lab/engine/operate";
import { stackFile } from "../../../lab/engine/stackFile";
import { readJson } from "../../../lab/workstation/files";
import { checkout, labPath } from "../../../lab/paths";

/** A mistake in a file of the checkout: a text in it, and what somebody has made of it. */
export interface Mistake {
    file: string;
    text: string;
    mistyped: string;
}

/** `pulumi up` of this lab's station, from this checkout, or from an engineer's copy of it that has a mistake. */
export async function pulumiUp(mistake?: Mistake): Promise<OperationResult> {
    const folder = mkdtempSync(labPath("checkout-"));
    const resultFile = join(folder, "result.json");
    try {
        const program = mistake && copyWith(mistake, join(folder, "copy"));
        const choice = { stack: "lab", mode: "machines" as const, stackFile: stackFile(), program };
        await operateAsOperator({ operation: "up", ...choice, resultFile });
        return readJson(resultFile) as OperationResult;
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** @returns the program of the copy. */
function copyWith({ file, text, mistyped }: Mistake, folder: string): string {
    mkdirSync(folder);
    for (const part of ["index.ts", "package.json", "tsconfig.json", "components", "config", "model"]) {
        cpSync(join(checkout, part), join(folder, part), { recursive: true });
    }
    cpSync(join(checkout, "config-templates"), join(folder, "config-templates"), { recursive: true });
    symlinkSync(join(checkout, "node_modules"), join(folder, "node_modules"));
    const good = readFileSync(join(checkout, file), "utf8");
    if (!good.includes(text)) {
        throw new Error(`${file} has no ${JSON.stringify(text)} to mistype`);
    }
    writeFileSync(join(folder, file), good.replace(text, mistyped));
    return join(folder, "index");
}
