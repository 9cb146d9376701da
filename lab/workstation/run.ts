import { execFile, spawn } from "node:child_process";
import { constants } from "node:os";

export interface RunOptions {
    /** Written to the program's standard input, which is empty otherwise. */
    stdin?: string | Buffer;
    cwd?: string;
    /** The whole environment; that of this process when absent. */
    env?: NodeJS.ProcessEnv;
    /** After this time the program is killed and the call fails. No limit when absent. */
    timeoutSeconds?: number;
    /** Exit codes that are no error; `[0]` when absent, and `"any"` for all of them. */
    allow?: number[] | "any";
    /** Called with each piece of standard error as it comes, for progress. */
    onStderr?: (text: string) => void;
}

export interface RunResult {
    /** Exit code; as in a shell, 128 + the signal's number when a signal ended the program. */
    code: number;
    stdout: string;
    stderr: string;
}

/** A program failed. The message holds the command and the last lines of its output. */
export class RunError extends Error {
    constructor(
        readonly argv: readonly string[],
        readonly result: RunResult,
        why: string,
    ) {
        const output = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-20).join("\n");
        super(`${argv.join(" ")}: ${why}${output === "" ? "" : `\n${output}`}`);
        this.name = "RunError";
    }
}

/** The exit code a shell would report for a child that ended by code or by signal. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/**
 * Runs a program to its end and returns its output.
 *
 * @throws RunError when it cannot be started, ends with another code than allowed, or takes too long.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const [program = "", ...args] = argv;
    const { cwd, env, timeoutSeconds, allow = [0] } = options;
    // When the time is over, execFile also stops reading: a grandchild may hold the pipes open.
    const limits = {
        maxBuffer: Infinity,
        timeout: (timeoutSeconds ?? 0) * 1000,
        killSignal: "SIGKILL",
    } as const;
    return new Promise((resolve, reject) => {
        const child = execFile(program, args, { cwd, env, ...limits }, (error, stdout, stderr) => {
            const started = child.pid !== undefined;
            const code = started ? exitCode(child.exitCode, child.signalCode) : 127;
            const result = { code, stdout, stderr };
            if (!started || error?.killed) {
                const why = error?.killed ? `no end within ${timeoutSeconds} s` : (error?.message ?? "");
                reject(new RunError(argv, result, why));
            } else if (allow !== "any" && !allow.includes(code)) {
                reject(new RunError(argv, result, `exit code ${code}`));
            } else {
                resolve(result);
            }
        });
        child.stderr?.on("data", (text: string) => options.onStderr?.(text));
        // A program that does not read its input is no error of ours.
        child.stdin?.on("error", () => undefined);
        child.stdin?.end(options.stdin);
    });
}

/**
 * Runs a program with this process's own terminal, and returns its exit code. Ctrl-C reaches the program by the terminal;
 * this process waits until the program has ended.
 */
export async function runInForeground(argv: readonly string[], cwd?: string): Promise<number> {
    const [program = "", ...args] = argv;
    const child = spawn(program, args, { stdio: "inherit", cwd });
    const ignore = (): void => undefined;
    const passOn = (): boolean => child.kill("SIGTERM");
    process.on("SIGINT", ignore).on("SIGTERM", passOn);
    try {
        return await new Promise<number>((resolve, reject) => {
            child.once("error", reject);
            child.once("close", (code, signal) => resolve(exitCode(code, signal)));
        });
    } finally {
        process.off("SIGINT", ignore).off("SIGTERM", passOn);
    }
}
