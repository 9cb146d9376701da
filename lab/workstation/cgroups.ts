import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Ids of all processes in a cgroup and below it; none when there is no such cgroup. */
export function cgroupProcesses(cgroup: string): number[] {
    return walk(cgroup).flatMap((folder) =>
        read(join(folder, "cgroup.procs"))
            .split("\n")
            .filter((line) => line !== "")
            .map(Number),
    );
}

/** Whether any process lives in a cgroup or below it. */
export function isPopulated(cgroup: string): boolean {
    return /^populated 1$/m.test(read(join(cgroup, "cgroup.events")));
}

/** Whether everything in a cgroup stands still. */
export function isFrozen(cgroup: string): boolean {
    return /^frozen 1$/m.test(read(join(cgroup, "cgroup.events")));
}

/** Stops all processes of a cgroup where they are, or lets them go on; returns when that is so. */
export async function setFrozen(cgroup: string, frozen: boolean): Promise<void> {
    writeFileSync(join(cgroup, "cgroup.freeze"), frozen ? "1" : "0");
    await until(() => isFrozen(cgroup) === frozen, `${cgroup} does not ${frozen ? "freeze" : "thaw"}`);
}

/** Kills all processes of a cgroup at once, frozen ones too; returns when they are gone. */
export async function killCgroup(cgroup: string): Promise<void> {
    if (!existsSync(cgroup)) {
        return;
    }
    const file = join(cgroup, "cgroup.kill");
    if (!existsSync(file)) {
        throw new Error("The lab needs Linux 5.14 or newer, which kills a machine at once by its cgroup.");
    }
    writeFileSync(file, "1");
    await until(
        () => !isPopulated(cgroup),
        `${cgroup} still has processes: ${cgroupProcesses(cgroup).join(", ")}`,
    );
}

/** Kills what is in a cgroup and removes it with all below it. */
export async function removeCgroup(cgroup: string): Promise<void> {
    await killCgroup(cgroup);
    for (const folder of walk(cgroup).reverse()) {
        // The kernel may count a process for a moment after its end.
        await until(() => removed(folder), `the cgroup ${folder} stays busy`);
    }
}

/** Moves this process, and what it starts from now on, into a cgroup, which is made when it is not there. */
export function enterCgroup(cgroup: string): void {
    mkdirSync(cgroup, { recursive: true });
    writeFileSync(join(cgroup, "cgroup.procs"), String(process.pid));
}

/** The command that runs a program inside a cgroup; it replaces itself by the program. */
export function inCgroup(cgroup: string, argv: readonly string[]): string[] {
    const enter = 'mkdir -p "$1" && echo $$ >"$1/cgroup.procs" && shift && exec "$@"';
    return ["sh", "-c", enter, "sh", cgroup, ...argv];
}

/** A cgroup and all below it, parents first. */
function walk(cgroup: string): string[] {
    let entries;
    try {
        entries = readdirSync(cgroup, { withFileTypes: true });
    } catch {
        return [];
    }
    const below = entries
        .filter((entry) => entry.isDirectory())
        .flatMap((entry) => walk(join(cgroup, entry.name)));
    return [cgroup, ...below];
}

/** A file of a cgroup that may go at any moment. */
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

/** Waits for a state that is a matter of milliseconds. @throws with `complaint` after 10 s. */
async function until(reached: () => boolean, complaint: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!reached()) {
        if (Date.now() > deadline) {
            throw new Error(complaint);
        }
        await sleep(10);
    }
}
