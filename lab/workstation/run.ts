import { spawn } from "node:child_process";

export interface RunOptions {
    /** Written to the program's standard input, which is empty otherwise. */
    stdin?: string | Buffer;
    cwd?: string;
    /** The whole environment; that of this process when absent. */
    env?: NodeJS.ProcessEnv;
    /** After this long the program is killed and the call fails. No limit when absent. */
    timeoutSeconds?: number;
    /** Exit codes that are no error; `[0]` when absent, and `"any"` for all of them. */
    allow?: number[] | "any";
    /** Called with each piece of standard error as it comes, for progress. */
    onStderr?: (text: string) => void;
}

export interface RunResult {
    /** Exit code; 128 + the signal's number when a signal ended the program, as a shell has it. */
    code: number;
    stdout: string;
    stderr: string;
}

/** A program that ended as it should not have. The message holds the command and what it said. */
export class RunError extends Error {
    constructor(
        readonly argv: readonly string[],
        readonly result: RunResult,
        why: string,
    ) {
        const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-20).join("\n");
        super(`${argv.join(" ")}: ${why}${said === "" ? "" : `\n${said}`}`);
        this.name = "RunError";
    }
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGINT: 2,
    SIGKILL: 9,
    SIGPIPE: 13,
    SIGTERM: 15,
};

/** The exit code a shell would report for a child that ended by code or by signal. */
export function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
    return code ?? 128 + (signal === null ? 0 : (signalNumbers[signal] ?? 0));
}

/**
 * Runs a program to its end and returns what it wrote.
 *
 * @throws RunError when it cannot be started, ends with another code than allowed, or takes too long.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const [program = "", ...args] = argv;
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: "pipe" });
        const stdout: Buffer[] = [];
        const stderr: Buffer[] = [];
        let timedOut = false;
        const limit = options.timeoutSeconds;
        const timer =
            limit === undefined
                ? undefined
                : setTimeout(() => {
                      timedOut = true;
                      child.kill("SIGKILL");
                      // A grandchild may hold the pipes open; what it says no longer matters.
                      child.stdout.destroy();
                      child.stderr.destroy();
                  }, limit * 1000);
        const result = (code: number): RunResult => ({
            code,
            stdout: Buffer.concat(stdout).toString("utf8"),
            stderr: Buffer.concat(stderr).toString("utf8"),
        });
        child.stdout.on("data", (data: Buffer) => stdout.push(data));
        child.stderr.on("data", (data: Buffer) => {
            stderr.push(data);
            options.onStderr?.(data.toString("utf8"));
        });
        child.on("error", (error) => {
            clearTimeout(timer);
            reject(new RunError(argv, result(127), error.message));
        });
        child.on("close", (code, signal) => {
            clearTimeout(timer);
            const ended = result(exitCode(code, signal));
            if (timedOut) {
                reject(new RunError(argv, ended, `no end within ${limit} s`));
            } else if (options.allow !== "any" && !(options.allow ?? [0]).includes(ended.code)) {
                reject(new RunError(argv, ended, `exit code ${ended.code}`));
            } else {
                resolve(ended);
            }
        });
        // A program that does not read its input is no error of ours.
        child.stdin.on("error", () => undefined);
        child.stdin.end(options.stdin);
    });
}
