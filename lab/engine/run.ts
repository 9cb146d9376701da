import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readJson } from "../workstation/files";
import { run, runInForeground } from "../workstation/run";
import { inNetwork } from "../network/network";
import { askEngine } from "./environment";
import type { Operation, OperationResult } from "./operate";

/* Runs operations of the engine in child processes; see operate.ts. */

/** The command that runs an operation in a process of its own. */
export function operateCommand(operation: Operation): string[] {
    return [
        process.execPath,
        "--import",
        require.resolve("tsx"),
        join(__dirname, "operate.ts"),
        JSON.stringify(operation),
    ];
}

/**
 * Runs an operation at the operator's place in the network, whose address firewalls see, with its progress on this
 * process's output. After Ctrl-C it ends in a state from which it can be repeated.
 *
 * @returns whether it succeeded.
 */
export async function operateAsOperator(operation: Operation): Promise<boolean> {
    return (await runInForeground(inNetwork("operator", operateCommand(operation)))) === 0;
}

/** A deployment as `pulumi stack export --show-secrets` writes it. */
export interface Deployment {
    resources?: DeployedResource[];
}

export interface DeployedResource {
    urn: string;
    type: string;
    custom: boolean;
    id?: string;
    parent?: string;
    delete?: boolean;
    protect?: boolean;
    inputs?: Record<string, unknown>;
    outputs?: Record<string, unknown>;
    dependencies?: string[];
}

/** A stack of the lab cloud in record mode: everything is checked and recorded, nothing runs. */
export interface RecordedStack {
    /** With `replace`, droplets of these names are replaced. */
    up(how?: { refresh?: boolean; replace?: string[] }): Promise<OperationResult>;
    /** With `planFile`, the engine's plan is written there. */
    preview(how?: { planFile: string }): Promise<OperationResult>;
    destroy(how?: { refresh: boolean }): Promise<OperationResult>;
    /** The state with secrets in clear. */
    deployment(): Promise<Deployment>;
}

export interface RecordOptions {
    /** Settings instead of the committed `Pulumi.<stack>.yaml`. */
    stackFile?: string;
    /** A program instead of the station's. */
    program?: string;
    /** More environment for the program. */
    environment?: Record<string, string>;
}

/** Works on a stack in record mode, with everything it makes in `folder`. */
export function recordStack(stack: string, folder: string, options: RecordOptions = {}): RecordedStack {
    const { environment, ...choice } = options;
    async function operate(
        operation: Operation["operation"],
        how: Pick<Operation, "refresh" | "replace" | "planFile"> = {},
    ): Promise<OperationResult> {
        const results = mkdtempSync(join(tmpdir(), "aerial-result-"));
        const resultFile = join(results, "result.json");
        const wanted: Operation = { operation, stack, mode: "record", resultFile, ...choice, ...how };
        const env = { ...process.env, ...environment, AERIAL_LAB: folder };
        try {
            const { stdout, stderr } = await run(operateCommand(wanted), { env, allow: "any" });
            const result = readJson(resultFile);
            if (result === undefined) {
                throw new Error(`${operation} of ${stack} ended without a result:\n${stdout}${stderr}`);
            }
            return result as OperationResult;
        } finally {
            rmSync(results, { recursive: true });
        }
    }
    /** Asks the engine itself: a process with the program's libraries would take three seconds more. */
    async function deployment(): Promise<Deployment> {
        const exported = await askEngine(stack, ["export", "--show-secrets"], "record", folder);
        return (exported as { deployment: Deployment }).deployment;
    }
    return {
        up: (how) => operate("up", how),
        preview: (how) => operate("preview", how),
        destroy: (how) => operate("destroy", how),
        deployment,
    };
}
