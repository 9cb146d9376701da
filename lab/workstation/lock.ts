import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** How long this process keeps a lock for its own callers before other processes get a turn, in milliseconds. */
const turnMs = 500;

interface Caller {
    run: () => Promise<void>;
    /** Called when the lock cannot be taken. */
    refuse: (reason: unknown) => void;
}

/** Callers of this process that wait, by lock, in order. A lock with an entry has a `serve` at work. */
const waiting = new Map<string, Caller[]>();

/**
 * Runs `body` while it alone holds the lock file. Other callers, in this process or another, wait. Not reentrant.
 *
 * The lock is flock(2), held by a small child that ends when its standard input closes. So a killed process releases its
 * locks, and no stale lock stays. Starting the child costs more than most bodies, so the callers of one process run one
 * after the other under the same child.
 *
 * @param onWait called when the lock has not been free for half a second.
 */
export function withLock<T>(file: string, body: () => Promise<T>, onWait?: () => void): Promise<T> {
    const key = resolve(file);
    const told = onWait && setTimeout(onWait, 500);
    return new Promise<T>((done, failed) => {
        const caller: Caller = {
            run: async () => {
                clearTimeout(told);
                await Promise.resolve().then(body).then(done, failed);
            },
            refuse: (reason) => {
                clearTimeout(told);
                failed(reason instanceof Error ? reason : new Error(String(reason)));
            },
        };
        const queue = waiting.get(key);
        if (queue) {
            queue.push(caller);
            return;
        }
        waiting.set(key, [caller]);
        void serve(key);
    });
}

/** Takes the lock and runs its waiting callers, until none waits. */
async function serve(file: string): Promise<void> {
    const queue = waiting.get(file) ?? [];
    while (queue.length > 0) {
        try {
            const release = await take(file);
            const until = Date.now() + turnMs;
            do {
                await queue.shift()?.run();
            } while (queue.length > 0 && Date.now() < until);
            await release();
        } catch (error) {
            queue.splice(0).forEach(({ refuse }) => refuse(error));
        }
    }
    waiting.delete(file);
}

/** Takes the lock, and returns the function that releases it. */
async function take(file: string): Promise<() => Promise<void>> {
    mkdirSync(dirname(file), { recursive: true });
    const holder = spawn("flock", [file, "sh", "-c", "echo held; exec cat >/dev/null"], {
        stdio: ["pipe", "pipe", "inherit"],
        // Outside the terminal's process group: Ctrl-C must not release the lock while a body still cleans up.
        detached: true,
    });
    const ended = new Promise<void>((done) => holder.on("close", () => done()));
    await new Promise<void>((held, failed) => {
        holder.stdout.once("data", () => held());
        holder.once("error", failed);
        holder.once("exit", (code) =>
            failed(new Error(`the lock ${file} cannot be taken (exit code ${code})`)),
        );
    });
    return async () => {
        holder.stdin.end();
        await ended;
    };
}
