import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { labCgroup, labPath } from "../paths";
import { inCgroup, processState, removeCgroup, setFrozen, type ProcessState } from "./cgroups";

/*
 * Processes of the lab that go on after the command that started them: encoders, port forwards, servers. Each has a name
 * and a cgroup. The cgroup finds, freezes and ends it, even after the process that started it has ended.
 */

interface ServiceOptions {
    cwd?: string;
    /** The whole environment; that of this process when absent. */
    env?: NodeJS.ProcessEnv;
}

/**
 * Starts a program under a name, detached from this process; what ran under that name before is ended. Give it a
 * namespace by `inNamespace` or `imageCommand`. Its output is appended to `serviceLog(name)`. Returns once the process
 * exists: it may not be ready yet.
 */
export async function startService(
    name: string,
    argv: readonly string[],
    options: ServiceOptions = {},
): Promise<void> {
    await stopService(name);
    mkdirSync(dirname(serviceLog(name)), { recursive: true });
    const child = spawnDetached(inCgroup(serviceCgroup(name), argv), serviceLog(name), options);
    let ended = false;
    child.once("exit", () => (ended = true));
    await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
    });
    // It enters its cgroup by itself. Before that, `serviceState` says off, and a caller might start a second one.
    while (!ended && serviceState(name) === "off") {
        await sleep(5);
    }
}

/** Starts a program that outlives this process and its terminal. Its output is appended to the file `log`. */
export function spawnDetached(
    argv: readonly string[],
    log: string,
    options: ServiceOptions = {},
): ChildProcess {
    const [program = "", ...args] = argv;
    const output = openSync(log, "a", 0o600);
    const child = spawn(program, args, { ...options, detached: true, stdio: ["ignore", output, output] });
    closeSync(output);
    child.unref();
    return child;
}

/** Ends a service at once. Does nothing when none of that name runs. */
export async function stopService(name: string): Promise<void> {
    await removeCgroup(serviceCgroup(name));
}

/** Stops every process of a service where it is, or lets it go on. */
export async function setServiceFrozen(name: string, frozen: boolean): Promise<void> {
    if (serviceState(name) === "off") {
        throw new Error(`${name} does not run`);
    }
    await setFrozen(serviceCgroup(name), frozen);
}

export function serviceState(name: string): ProcessState {
    return processState(serviceCgroup(name));
}

/** Names of the services that run or are frozen. */
export function listServices(): string[] {
    const folder = labCgroup("services");
    const names = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
    return names
        .filter((entry) => entry.isDirectory() && serviceState(entry.name) !== "off")
        .map(({ name }) => name);
}

/** File that a service's output is appended to. */
export function serviceLog(name: string): string {
    return labPath("services", `${name}.log`);
}

function serviceCgroup(name: string): string {
    return labCgroup("services", name);
}
