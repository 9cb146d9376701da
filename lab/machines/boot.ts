import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { cgroupProcesses } from "../workstation/cgroups";
import { spawnDetached } from "../workstation/services";
import { waitFor } from "../workstation/wait";
import { checkout, machineFolder, machineNamespace, namespacePath, nspawnName, shortHash } from "../paths";

const bootScript = join(checkout, "lab", "machines", "recipe", "boot.sh");

/** How long a machine may take until its init runs; usually 0.2 s. */
const startLimitSeconds = 30;

/**
 * Starts a machine's supervisor in the machine's cgroup, detached from this process and its terminal, and waits until
 * the machine's init takes commands. The console is appended to `console.log`.
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
    const names = [namespacePath(machineNamespace(id)), nspawnName(id), hostname];
    // The machine id is the same at each boot.
    const machineId = shortHash(folder, 32);
    const binds = volumes.map(({ source, target }) => `--bind=${bindPath(source)}:${bindPath(target)}`);
    const child = spawnDetached(
        [bootScript, folder, cgroup, ...names, machineId, ...binds],
        join(folder, "console.log"),
        { env: { PATH: process.env.PATH, LANG: "C.UTF-8" } },
    );
    let failure: string | undefined;
    child.on("error", (error) => (failure = error.message));
    child.on("exit", (code, signal) => (failure = `systemd-nspawn ended with ${code ?? signal}`));

    await waitFor(() => failure !== undefined || takesCommands(findLeader(cgroup)), {
        limitMs: startLimitSeconds * 1000,
        everyMs: 20,
        complaint: () => didNotStart(id, hostname, `its init does not run after ${startLimitSeconds} s`),
    });
    if (failure !== undefined) {
        throw new Error(didNotStart(id, hostname, failure));
    }
}

function didNotStart(id: string, hostname: string, why: string): string {
    const lines = readFileSync(join(machineFolder(id), "console.log"), "utf8")
        .trim()
        .split("\n");
    return `machine ${hostname} did not start: ${why}\n${lines.slice(-10).join("\n")}`;
}

/** systemd-nspawn separates the parts of a bind by colons. */
function bindPath(path: string): string {
    return path.replace(/[\\:]/g, "\\$&");
}

/**
 * Process id of a machine's init, as the workstation counts: in the machine it is number 1. Init moves itself to
 * `init.scope`; once it is there, its file systems are mounted and it can be entered.
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

/** Removes what a killed supervisor of a machine leaves in the workstation's /run. The disk must still be mounted. */
export function cleanAfterSupervisor(id: string): void {
    const root = join(machineFolder(id), "root");
    if (existsSync(root)) {
        const { dev, ino } = statSync(root);
        rmSync(join(supervisorFolder, "locks", `inode-${dev}:${ino}`), { force: true });
    }
    removeSupervisorFolders((name) => name === nspawnName(id));
}

/** The same for all machines that this lab has ever had, recorded or not. */
export function cleanAfterSupervisors(): void {
    removeSupervisorFolders((name) => name.startsWith(nspawnName("")));
}

function removeSupervisorFolders(ofMachine: (name: string) => boolean): void {
    // systemd-nspawn 256 and newer mounts a small file system in the second folder, and does not start while it exists.
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
