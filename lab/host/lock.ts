import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Runs `body` while this process alone holds the lock file. Others, in this process or another, wait their turn.
 *
 * The lock is flock(2), held by a small child that ends when our end of its standard input closes: so a process that is
 * killed gives its locks back, and no stale lock ever needs a person. Not reentrant.
 */
export async function withLock<T>(file: string, body: () => Promise<T>, onWait?: () => void): Promise<T> {
    mkdirSync(dirname(file), { recursive: true });
    const holder = spawn("flock", [file, "sh", "-c", "echo held; exec cat >/dev/null"], {
        stdio: ["pipe", "pipe", "inherit"],
        // Away from the terminal's group: Ctrl-C must not release the lock while `body` still cleans up.
        detached: true,
    });
    const ended = new Promise<void>((resolve) => holder.on("close", () => resolve()));
    const waiting = onWait && setTimeout(onWait, 500);
    try {
        await new Promise<void>((resolve, reject) => {
            holder.stdout.once("data", () => resolve());
            holder.once("error", reject);
            holder.once("exit", (code) =>
                reject(new Error(`the lock ${file} cannot be taken (exit code ${code})`)),
            );
        });
        clearTimeout(waiting);
        return await body();
    } finally {
        clearTimeout(waiting);
        holder.stdin.end();
        await ended;
    }
}
