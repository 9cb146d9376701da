import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";

import { cgroupProcesses, enterCgroup, removeCgroup } from "../workstation/cgroups";
import { run } from "../workstation/run";
import { waitFor } from "../workstation/wait";
import { labCgroup, labFolder, labPath, cgroupMount, namespacePrefix } from "../paths";
import { cleanAfterSupervisor, cleanAfterSupervisors } from "./boot";
import { mountsBelow } from "./disk";

const namespaceFolder = "/run/netns";

/**
 * Removes this whole lab from the workstation: processes, mounts, namespaces with their interfaces, cgroups, and the
 * lab's folder. Caches stay. It finds everything by name and reads no records, so it works in any state and can be
 * repeated.
 *
 * @returns what it removed, in words.
 */
export async function removeLab(): Promise<string[]> {
    leaveLab();
    const done: string[] = [];
    const namespaces = labNamespaces();
    const inside = cgroupProcesses(labCgroup()).length;
    await removeCgroup(labCgroup());
    // Processes that somebody started in a namespace by hand are outside the lab's cgroup.
    const strays = processesIn(namespaces);
    strays.forEach(kill);
    await waitFor(() => strays.every((pid) => networkOf(pid) === ""), {
        limitMs: 5000,
        everyMs: 10,
        complaint: () => `processes in the lab's network do not end: ${strays.join(", ")}`,
    });
    report(done, inside + strays.length, "process", "processes");

    for (const id of folderNames(labPath("machines"))) {
        cleanAfterSupervisor(id);
    }
    cleanAfterSupervisors();
    const mounts = mountsBelow(labFolder).reverse();
    for (const mount of mounts) {
        // A shell may be in this folder. A lazy unmount removes the mount from the tree now, and from the kernel later.
        await run(["umount", mount]).catch(() => run(["umount", "--lazy", mount]));
    }
    report(done, mounts.length, "mount", "mounts");

    for (const name of namespaces) {
        await run(["ip", "netns", "del", name]);
    }
    report(done, namespaces.length, "network namespace", "network namespaces");

    if (existsSync(labFolder)) {
        rmSync(labFolder, { recursive: true, force: true });
        done.push(labFolder);
    }
    return done;
}

/** When called from a shell inside the lab, this process must not be ended with the lab. */
function leaveLab(): void {
    if (readFileSync("/proc/self/cgroup", "utf8").includes(`/${basename(labCgroup())}`)) {
        enterCgroup(cgroupMount());
    }
}

function labNamespaces(): string[] {
    return folderNames(namespaceFolder).filter((name) => name.startsWith(namespacePrefix));
}

/** Processes whose network is one of these namespaces. */
function processesIn(namespaces: readonly string[]): number[] {
    const inodes = new Set(namespaces.map((name) => `net:[${statSync(join(namespaceFolder, name)).ino}]`));
    return folderNames("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .filter((pid) => pid !== process.pid && inodes.has(networkOf(pid)));
}

function networkOf(pid: number): string {
    try {
        return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
        return "";
    }
}

function kill(pid: number): void {
    try {
        process.kill(pid, "SIGKILL");
    } catch {
        // It has ended already.
    }
}

function folderNames(folder: string): string[] {
    return existsSync(folder) ? readdirSync(folder) : [];
}

function report(done: string[], count: number, one: string, many: string): void {
    if (count > 0) {
        done.push(`${count} ${count === 1 ? one : many}`);
    }
}
