import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";

import type { Display } from "./display";
import { checkout, resultsFolder, turnsFolder } from "./paths";
import { takeTurn } from "./turns";

/** A command to run as part of the tests. */
export interface Step {
    /** As reports name it; the log is named after it. */
    name: string;
    /** Under whose name it speaks; its own unless given. */
    speaker?: string;
    /** Beside others its output is for the log, and shown only when it fails. */
    quiet?: boolean;
    command: readonly string[];
    env?: Readonly<Record<string, string>>;
    /** After this it is ended, and has failed. */
    limitSeconds: number;
    /** Starts machines: waits for tests that want the processors alone, and has these wait; the name is its lock's. */
    turn?: string;
    /** Reads the results when the command has ended; without it the step counts as one test. */
    count?: (exitCode: number) => Counts;
}

export interface Counts {
    passed: number;
    failed: number;
    /** The tests that failed, each with its name and why; the log's end tells it where nobody knows better. */
    failures?: readonly string[];
}

export interface StepResult extends Counts {
    name: string;
    seconds: number;
    log: string;
}

/** Thrown when someone ended the run; the step has ended by then. */
export class Interrupted extends Error {}

/** What is asked to end has this long for it, in ms. */
const graceMs = 20_000;

interface Running {
    child: ChildProcess;
    /** Goes on when the run is interrupted once. */
    cleansUp: boolean;
}

/** Runs steps, several at a time, each with its output in the display and in its log; and ends them all on a signal. */
export class Runner {
    private readonly running = new Set<Running>();
    private interruptions = 0;
    /** As root a step leads a group, so that what it started ends with it. */
    private readonly leadsGroup = process.getuid?.() === 0;

    constructor(private readonly display: Display) {
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
            process.on(signal, () => this.interrupt(signal));
        }
    }

    get interrupted(): boolean {
        return this.interruptions > 0;
    }

    /** @throws Interrupted */
    async run(step: Step): Promise<StepResult> {
        const release = step.turn === undefined ? undefined : await takeTurn(turnsFolder, step.turn);
        try {
            this.refuseWhenInterrupted();
            const result = await this.perform(step, false);
            this.refuseWhenInterrupted();
            return result;
        } finally {
            await release?.();
        }
    }

    private refuseWhenInterrupted(): void {
        if (this.interrupted) {
            throw new Interrupted();
        }
    }

    /** Runs what must run even after an interruption: a second one ends that, too. */
    async cleanUp(step: Step): Promise<StepResult> {
        return this.perform(step, true);
    }

    private interrupt(signal: NodeJS.Signals): void {
        this.interruptions++;
        for (const { child, cleansUp } of this.running) {
            if (!cleansUp || this.interruptions > 1) {
                this.end(child, signal);
            }
        }
    }

    /** Asks a step to end, and ends it when it does not. */
    private end(child: ChildProcess, signal: NodeJS.Signals): void {
        this.signal(child, signal);
        setTimeout(() => this.signal(child, "SIGKILL"), graceMs).unref();
    }

    private signal({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
        if (pid === undefined || exitCode !== null || signalCode !== null) {
            return;
        }
        try {
            process.kill(this.leadsGroup ? -pid : pid, signal);
        } catch {
            // It ended in this moment, or belongs to root: then the terminal's signal has reached it.
        }
    }

    private async perform(step: Step, cleansUp: boolean): Promise<StepResult> {
        const log = join(resultsFolder, `${step.name.replace(/[^\w]+/g, "-")}.log`);
        const started = Date.now();
        const exitCode = await this.command(step, log, cleansUp);
        const counts =
            step.count?.(exitCode) ?? (exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
        return { name: step.name, ...counts, seconds: (Date.now() - started) / 1000, log };
    }

    /** @returns the exit code; 124 after the time limit, as timeout(1) has it. */
    private async command(step: Step, log: string, cleansUp: boolean): Promise<number> {
        const [program = "", ...parameters] = step.command;
        const speaker = this.display.begin(step.speaker ?? step.name, step.name);
        const file = createWriteStream(log);
        const kept: Buffer[] = [];
        const child = spawn(program, parameters, {
            cwd: checkout,
            env: {
                ...process.env,
                PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH ?? ""}`,
                ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}),
                ...step.env,
            },
            stdio: ["ignore", "pipe", "pipe"],
            detached: this.leadsGroup,
        });
        const running = { child, cleansUp };
        this.running.add(running);
        for (const stream of [child.stdout, child.stderr]) {
            stream.on("data", (data: Buffer) => {
                file.write(data);
                if (step.quiet && this.display.several) {
                    kept.push(data);
                } else {
                    speaker.say(data.toString("utf8"));
                }
            });
        }
        let late = false;
        const deadline = setTimeout(() => {
            late = true;
            speaker.say(`\n${step.name}: not done after ${step.limitSeconds} s; ending it\n`);
            this.end(child, "SIGTERM");
        }, step.limitSeconds * 1000);
        try {
            const code = await new Promise<number>((resolve) => {
                child.on("error", (error) => {
                    speaker.say(`${program}: ${error.message}\n`);
                    resolve(127);
                });
                // Not "close": a process left behind may keep the pipes open.
                child.on("exit", (exited) => {
                    setTimeout(() => resolve(late ? 124 : (exited ?? 1)), 200);
                });
            });
            if (code !== 0) {
                speaker.say(Buffer.concat(kept).toString("utf8"));
            }
            return code;
        } finally {
            clearTimeout(deadline);
            this.running.delete(running);
            speaker.end();
            file.end();
        }
    }
}
