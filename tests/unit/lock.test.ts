import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { withLock } from "../../lab/workstation/lock";

let folder = "";
let file = "";
beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "aerial-lock-"));
    file = join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Whether another process could take the lock at this moment. */
function isFree(): boolean {
    return spawnSync("flock", ["--nonblock", file, "true"]).status === 0;
}

describe("a lock", () => {
    it("lets callers of one process in one after the other, in their order", async () => {
        const events: string[] = [];
        const work = (name: string) => async (): Promise<string> => {
            events.push(`${name} in`);
            await sleep(5);
            events.push(`${name} out`);
            return name;
        };
        const names = ["a", "b", "c"];
        expect(await Promise.all(names.map((name) => withLock(file, work(name))))).toEqual(names);
        expect(events).toEqual(names.flatMap((name) => [`${name} in`, `${name} out`]));
    });

    it("keeps other processes out while it is held, and is free afterwards", async () => {
        await withLock(file, () => Promise.resolve(expect(isFree()).toBe(false)));
        await sleep(50);
        expect(isFree()).toBe(true);
    });

    it("goes on to the next caller when one fails", async () => {
        const failing = withLock(file, () => Promise.reject(new Error("broken")));
        const next = withLock(file, () => Promise.resolve("fine"));
        await expect(failing).rejects.toThrow("broken");
        expect(await next).toBe("fine");
    });

    it("fails for every caller when nobody can take it", async () => {
        writeFileSync(file, "");
        const impossible = join(file, "lock");
        const all = await Promise.allSettled([1, 2].map(() => withLock(impossible, () => Promise.resolve())));
        expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    });
});
