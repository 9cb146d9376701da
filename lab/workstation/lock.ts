import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** How long this process keeps a lock for its own callers while others may wait for it, in milliseconds. */
const turnMs = 500;

interface Caller {
    run: () => Promise<void>;
    /** Tells that the lock cannot be had. */
    refuse: (reason: unknown) => void;
}

/** Callers of this process by lock, in order; while there is an entry, somebody serves them. */
const waiting = new Map<string, Caller[]>();

/**
 * Runs `body` while this process alone holds the lock file. Others, in this process or another, wait their turn.
 *
 * The lock is flock(2), held by a small child that ends when our end of its standard input closes: so a process that is
 * killed gives its locks back, and no stale lock ever needs a person. Callers within this process share one taking of
 * it, one after the other: the child costs more than most of what is done under it. Not reentrant.
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

/** Takes the lock and runs who waits for it, again and again until nobody does. */
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

/** Takes the lock, and returns what gives it back. */
async function take(file: string): Promise<() => Promise<void>> {
    mkdirSync(dirname(file), { recursive: true });
    const holder = spawn("flock", [file, "sh", "-c", "echo held; exec cat >/dev/null"], {
        stdio: ["pipe", "pipe", "inherit"],
        // Away from the terminal's group: Ctrl-C must not release the lock while a body still cleans up.
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
