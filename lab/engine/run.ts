import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readJson } from "../workstation/files";
import { run } from "../workstation/run";
import { inNetwork } from "../network/network";
import { enginePath } from "./command";
import { engineEnvironment } from "./environment";
import type { Operation, OperationResult } from "./operate";

/* Operations of the engine in child processes; see operate.ts. */

function operateCommand(operation: Operation): string[] {
    return [
        process.execPath,
        "--import",
        require.resolve("tsx"),
        join(__dirname, "operate.ts"),
        JSON.stringify(operation),
    ];
}

/**
 * Runs an operation in the operator's place in the network, where firewalls see its SSH connections, with its progress
 * on this process's output.
 *
 * @returns whether it succeeded.
 */
export async function operateAsOperator(operation: Operation): Promise<boolean> {
    const [program = "", ...args] = inNetwork("operator", operateCommand(operation));
    const child = spawn(program, args, { stdio: "inherit" });
    // Ctrl-C is the child's to handle: it comes to an end that can be repeated.
    const ignore = (): void => {};
    process.on("SIGINT", ignore);
    try {
        return await new Promise<boolean>((resolve, reject) => {
            child.once("error", reject);
            child.once("close", (code) => resolve(code === 0));
        });
    } finally {
        process.off("SIGINT", ignore);
    }
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
    inputs?: Record<string, unknown>;
    outputs?: Record<string, unknown>;
    dependencies?: string[];
}

/** A stack of the lab cloud in record mode: everything is checked and recorded, nothing runs. */
export interface RecordedStack {
    /** With `replace`, droplets of these names are made anew. */
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
        const [program = "", ...args] = operateCommand(wanted);
        try {
            const output = await new Promise<string>((resolve, reject) => {
                const child = spawn(program, args, {
                    stdio: ["ignore", "pipe", "pipe"],
                    env: { ...process.env, ...environment, AERIAL_LAB: folder },
                });
                let text = "";
                const collect = (data: Buffer): void => {
                    text += data.toString("utf8");
                };
                child.stdout.on("data", collect);
                child.stderr.on("data", collect);
                child.once("error", reject);
                child.once("close", () => resolve(text));
            });
            const result = readJson(resultFile);
            if (result === undefined) {
                throw new Error(`${operation} of ${stack} ended without a result:\n${output}`);
            }
            return result as OperationResult;
        } finally {
            rmSync(results, { recursive: true });
        }
    }
    /** By the engine itself: a process with the program's libraries takes three seconds more. */
    async function deployment(): Promise<Deployment> {
        const argv = [await enginePath(), "stack", "export", "--show-secrets"];
        const { stdout } = await run([...argv, "--stack", stack, "--non-interactive"], {
            cwd: join(folder, "project"),
            env: { ...process.env, ...engineEnvironment(join(folder, "bin"), "record", folder) },
        });
        return (JSON.parse(stdout) as { deployment: Deployment }).deployment;
    }
    return {
        up: (how) => operate("up", how),
        preview: (how) => operate("preview", how),
        destroy: (how) => operate("destroy", how),
        deployment,
    };
}
