import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";

import { checkout, resultsFolder } from "./paths";

/** A command to run as part of the tests. */
export interface Step {
    name: string;
    command: readonly string[];
    env?: Readonly<Record<string, string>>;
    /** After this it is ended, and has failed. */
    limitSeconds: number;
    /** Reads the results when the command has ended; without it the step counts as one test. */
    count?: (exitCode: number) => Counts;
}

export interface Counts {
    passed: number;
    failed: number;
}

export interface StepResult extends Counts {
    name: string;
    seconds: number;
    log: string;
}

/** Thrown when someone ended the run; everything started has ended by then. */
export class Interrupted extends Error {}

/** What is under way, so that a signal to us reaches it. As root it leads a group, which ends what it started, too. */
let current: ChildProcess | undefined;
let interrupted = false;
const leadsGroup = process.getuid?.() === 0;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
        interrupted = true;
        end(signal);
    });
}

function end(signal: NodeJS.Signals): void {
    if (current?.pid === undefined) {
        return;
    }
    try {
        process.kill(leadsGroup ? -current.pid : current.pid, signal);
    } catch {
        // It ended in this moment.
    }
}

/** Runs a step with its output on ours and in its log. */
export async function runStep(step: Step): Promise<StepResult> {
    const log = join(resultsFolder, `${step.name}.log`);
    const started = Date.now();
    process.stdout.write(`\n── ${step.name} ──\n`);
    const exitCode = await runCommand(step, log);
    const seconds = (Date.now() - started) / 1000;
    if (interrupted) {
        throw new Interrupted();
    }
    const counts =
        step.count?.(exitCode) ?? (exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
    return { name: step.name, ...counts, seconds, log };
}

/** Runs what must run even after an interruption: a second one ends that, too. */
export async function runCleanUp(step: Step): Promise<StepResult> {
    const before = interrupted;
    interrupted = false;
    try {
        return await runStep(step);
    } finally {
        interrupted ||= before;
    }
}

/** @returns the exit code; 124 after the time limit, as timeout(1) has it. */
async function runCommand(step: Step, log: string): Promise<number> {
    const [program = "", ...parameters] = step.command;
    const file = createWriteStream(log);
    const child = spawn(program, parameters, {
        cwd: checkout,
        env: {
            ...process.env,
            PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH ?? ""}`,
            ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}),
            ...step.env,
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: leadsGroup,
    });
    current = child;
    for (const [stream, ours] of [
        [child.stdout, process.stdout],
        [child.stderr, process.stderr],
    ] as const) {
        stream.on("data", (data: Buffer) => {
            ours.write(data);
            file.write(data);
        });
    }
    let late = false;
    const deadline = setTimeout(() => {
        late = true;
        process.stdout.write(`\n${step.name}: not done after ${step.limitSeconds} s; ending it\n`);
        end("SIGTERM");
        setTimeout(() => end("SIGKILL"), 20_000).unref();
    }, step.limitSeconds * 1000);
    try {
        return await new Promise<number>((resolve) => {
            child.on("error", (error) => {
                process.stdout.write(`${program}: ${error.message}\n`);
                resolve(127);
            });
            // Not "close": a process left behind may keep the pipes open.
            child.on("exit", (code) => {
                setTimeout(() => resolve(late ? 124 : (code ?? 1)), 200);
            });
        });
    } finally {
        clearTimeout(deadline);
        current = undefined;
        file.end();
    }
}
