import { spawn, spawnSync } from "node:child_process";
import {
    closeSync,
    existsSync,
    mkdirSync,
    openSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { cgroupProcesses } from "../workstation/cgroups";
import { checkout, machineFolder, machineNamespace, namespacePath, nspawnName, shortHash } from "../paths";

const bootScript = join(checkout, "lab", "machines", "recipe", "boot.sh");

/** How long a machine may take until its init runs; it takes a fifth of a second. */
const startLimitSeconds = 30;

/**
 * Starts a machine's supervisor in the machine's cgroup, away from this process and its terminal, and waits until the
 * machine's init takes commands. Its console goes to `console.log`, appended to what earlier boots said.
 */
export async function bootProcess(
    id: string,
    hostname: string,
    cgroup: string,
    volumes: readonly { source: string; target: string }[] = [],
): Promise<void> {
    const folder = machineFolder(id);
    cleanAfterSupervisor(id);
    mkdirSync(cgroup, { recursive: true });
    const console = openSync(join(folder, "console.log"), "a", 0o600);
    const child = spawn(
        bootScript,
        [
            folder,
            cgroup,
            namespacePath(machineNamespace(id)),
            nspawnName(id),
            hostname,
            // The same at each boot, as a machine's own id is.
            shortHash(folder, 32),
            ...volumes.map(({ source, target }) => `--bind=${bindPath(source)}:${bindPath(target)}`),
        ],
        {
            detached: true,
            stdio: ["ignore", console, console],
            env: { PATH: process.env.PATH, LANG: "C.UTF-8" },
        },
    );
    closeSync(console);
    let failure: string | undefined;
    child.on("error", (error) => (failure = error.message));
    child.on("exit", (code, signal) => (failure = `systemd-nspawn ended with ${code ?? signal}`));
    child.unref();

    const deadline = Date.now() + startLimitSeconds * 1000;
    while (!takesCommands(findLeader(cgroup))) {
        if (failure === undefined && Date.now() > deadline) {
            failure = `its init does not run after ${startLimitSeconds} s`;
        }
        if (failure !== undefined) {
            const said = readFileSync(join(folder, "console.log"), "utf8")
                .trim()
                .split("\n")
                .slice(-10)
                .join("\n");
            throw new Error(`machine ${hostname} did not start: ${failure}\n${said}`);
        }
        await sleep(20);
    }
}

/** systemd-nspawn separates the parts of a bind by colons. */
function bindPath(path: string): string {
    return path.replace(/[\\:]/g, "\\$&");
}

/**
 * Process id, on the host, of a machine's init: number 1 in its own namespace. Init moves itself to `init.scope`, so one
 * found there has its file systems and can be entered.
 */
export function findLeader(cgroup: string): number | undefined {
    return cgroupProcesses(join(cgroup, "payload", "init.scope")).find((pid) => {
        const numbers =
            statusOf(pid)
                .match(/^NSpid:\s+(.*)$/m)?.[1]
                ?.split(/\s+/) ?? [];
        return numbers.length > 1 && numbers.at(-1) === "1";
    });
}

const supervisorFolder = "/run/systemd/nspawn";

/** Removes what a machine's supervisor that was killed leaves in the host's /run. The disk must still be mounted. */
export function cleanAfterSupervisor(id: string): void {
    const root = join(machineFolder(id), "root");
    if (existsSync(root)) {
        const { dev, ino } = statSync(root);
        rmSync(join(supervisorFolder, "locks", `inode-${dev}:${ino}`), { force: true });
    }
    removeSupervisorFolders((name) => name === nspawnName(id));
}

/** The same for all machines there have been in this lab, whether anything is known of them or not. */
export function cleanAfterSupervisors(): void {
    removeSupervisorFolders((name) => name.startsWith(nspawnName("")));
}

function removeSupervisorFolders(ofMachine: (name: string) => boolean): void {
    // Versions from 256 on mount a small file system of their own in the second, and do not start while it is there.
    for (const folder of ["propagate", "unix-export"].map((name) => join(supervisorFolder, name))) {
        for (const name of existsSync(folder) ? readdirSync(folder).filter(ofMachine) : []) {
            spawnSync("umount", ["--quiet", join(folder, name)]);
            rmSync(join(folder, name), { recursive: true, force: true });
        }
    }
}

function takesCommands(leader: number | undefined): boolean {
    return leader !== undefined && existsSync(`/proc/${leader}/root/run/systemd/private`);
}

function statusOf(pid: number): string {
    try {
        return readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
        return "";
    }
}
