import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { cleanAfterSupervisor, cleanAfterSupervisors } from "./boot";
import { mountsBelow } from "./disk";
import { labCgroup, labFolder, labPath, cgroupMount, namespacePrefix } from "../paths";
import { cgroupProcesses, enterCgroup, removeCgroup } from "../workstation/cgroups";
import { run } from "../workstation/run";

const namespaceFolder = "/run/netns";

/**
 * Removes all of this lab from the host: processes, mounts, namespaces (and with them their interfaces), cgroups, and
 * the lab's folder. It trusts names only, never what is recorded, so that it works in any state, and more than once.
 * Caches stay.
 *
 * @returns what it removed, in words.
 */
export async function removeLab(): Promise<string[]> {
    leaveLab();
    const done: string[] = [];
    const namespaces = labNamespaces();
    const inside = cgroupProcesses(labCgroup()).length;
    await removeCgroup(labCgroup());
    // Only what somebody started in a namespace by hand is left.
    const strays = processesIn(namespaces);
    for (const pid of strays) {
        kill(pid);
    }
    await gone(strays);
    report(done, inside + strays.length, "process", "processes");

    for (const id of folderNames(labPath("machines"))) {
        cleanAfterSupervisor(id);
    }
    cleanAfterSupervisors();
    const mounts = mountsBelow(labFolder).reverse();
    for (const mount of mounts) {
        // A person's shell may stand in it: the mount then leaves the tree now and the kernel later.
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

/** Called from a shell inside the lab, this process must not end with it. */
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
        // It has ended by itself.
    }
}

async function gone(pids: readonly number[]): Promise<void> {
    for (let attempt = 0; attempt < 500 && pids.some((pid) => networkOf(pid) !== ""); attempt++) {
        await sleep(10);
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
