import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { waitFor } from "./wait";

/** Whether the processes of a cgroup run, are stopped where they are, or are none. */
export type ProcessState = "running" | "frozen" | "off";

/** State of the processes in a cgroup and below it. */
export function processState(cgroup: string): ProcessState {
    const events = read(join(cgroup, "cgroup.events"));
    return !/^populated 1$/m.test(events) ? "off" : /^frozen 1$/m.test(events) ? "frozen" : "running";
}

/** Ids of all processes in a cgroup and below it; none when there is no such cgroup. */
export function cgroupProcesses(cgroup: string): number[] {
    return cgroups(cgroup).flatMap((folder) =>
        read(join(folder, "cgroup.procs"))
            .split("\n")
            .filter((line) => line !== "")
            .map(Number),
    );
}

/** Stops all processes of a cgroup where they are, or lets them go on; returns when that is so. */
export async function setFrozen(cgroup: string, frozen: boolean): Promise<void> {
    writeFileSync(join(cgroup, "cgroup.freeze"), frozen ? "1" : "0");
    await soon(
        () => (processState(cgroup) === "frozen") === frozen,
        () => `${cgroup} does not ${frozen ? "freeze" : "thaw"}`,
    );
}

/** Kills all processes of a cgroup at once, frozen ones too; returns when they are gone. */
export async function killCgroup(cgroup: string): Promise<void> {
    if (!existsSync(cgroup)) {
        return;
    }
    const file = join(cgroup, "cgroup.kill");
    if (!existsSync(file)) {
        throw new Error(
            "The lab needs Linux 5.14 or newer, which can kill all processes of a cgroup at once.",
        );
    }
    writeFileSync(file, "1");
    await soon(
        () => processState(cgroup) === "off",
        () => `${cgroup} still has processes: ${cgroupProcesses(cgroup).join(", ")}`,
    );
}

/** Kills all processes of a cgroup and removes the cgroup with all below it. */
export async function removeCgroup(cgroup: string): Promise<void> {
    await killCgroup(cgroup);
    for (const folder of cgroups(cgroup).reverse()) {
        // The kernel may count a process for a moment after its end.
        await soon(
            () => removed(folder),
            () => `the cgroup ${folder} stays busy`,
        );
    }
}

/** Moves this process, and what it starts from now on, into a cgroup, which is made if it does not exist. */
export function enterCgroup(cgroup: string): void {
    mkdirSync(cgroup, { recursive: true });
    writeFileSync(join(cgroup, "cgroup.procs"), String(process.pid));
}

/** The command that enters a cgroup and then becomes the given program. */
export function inCgroup(cgroup: string, argv: readonly string[]): string[] {
    const enter = 'mkdir -p "$1" && echo $$ >"$1/cgroup.procs" && shift && exec "$@"';
    return ["sh", "-c", enter, "sh", cgroup, ...argv];
}

/** A cgroup and all below it, parents first; none when there is no such cgroup. */
export function cgroups(cgroup: string): string[] {
    let entries;
    try {
        entries = readdirSync(cgroup, { withFileTypes: true });
    } catch {
        return [];
    }
    const below = entries
        .filter((entry) => entry.isDirectory())
        .flatMap((entry) => cgroups(join(cgroup, entry.name)));
    return [cgroup, ...below];
}

/** A file of a cgroup, which may disappear at any moment. */
function read(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch {
        return "";
    }
}

function removed(folder: string): boolean {
    try {
        rmdirSync(folder);
    } catch {
        return !existsSync(folder);
    }
    return true;
}

/** Waits for what the kernel does within milliseconds. @throws with `complaint` after 10 s. */
function soon(reached: () => boolean, complaint: () => string): Promise<unknown> {
    return waitFor(reached, { limitMs: 10_000, everyMs: 10, complaint });
}
