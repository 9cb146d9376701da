import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { apiRoot } from "../authority";
import { isFrozen, isPopulated, killCgroup, removeCgroup, setFrozen } from "../workstation/cgroups";
import { readJson, writeJson } from "../workstation/files";
import { withLock } from "../workstation/lock";
import { run, type RunOptions, type RunResult } from "../workstation/run";
import { assignedAddresses, attachMachine, detachMachine, setCut, unplugMachine } from "../network/network";
import { readNetwork, type PrivateAddress } from "../network/state";
import { labCgroup, labPath, machineFolder, machineNamespace } from "../paths";
import { bootProcess, cleanAfterSupervisor, findLeader } from "./boot";
import { makeDisk, mountDisk, unmountDisk } from "./disk";
import { ensureImage } from "./image";

/** A machine as the cloud orders it. */
export interface MachineSpec {
    /** The cloud's id of it, `[A-Za-z0-9-]+`; never used again for another. */
    id: string;
    /** Its host name. An older machine may have the same: names mean the newest. */
    name: string;
    region: string;
    publicAddress: string;
    privateAddress?: PrivateAddress;
    /** cloud-init user data, as given to the cloud. */
    userData: string;
    /** Folders of the host that are disks of the machine. */
    volumes?: readonly { source: string; target: string }[];
    /** SSH keys the cloud puts in for root, as OpenSSH lines. */
    publicKeys?: readonly string[];
}

/** A machine's recorded specification. User data is in its seed only. */
export interface MachineRecord extends Omit<MachineSpec, "userData" | "publicKeys"> {
    /** Milliseconds since 1970. */
    createdAt: number;
}

export type MachineState = "running" | "frozen" | "off";

export interface Machine extends MachineRecord {
    state: MachineState;
    /** True while its network is cut. */
    cut: boolean;
    reservedAddresses: string[];
}

/**
 * Makes a machine and boots it: a disk on the base image, its user data as a NoCloud seed, its place on the network.
 * Returns when it runs; cloud-init is then still at work. What is left of an interrupted attempt is replaced.
 */
export async function createMachine(spec: MachineSpec): Promise<void> {
    if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,40}$/.test(spec.id)) {
        throw new Error(`${JSON.stringify(spec.id)} cannot be a machine's id`);
    }
    const image = await ensureImage();
    await destroyMachine(spec.id);
    const { id, name, region, publicAddress, privateAddress, volumes } = spec;
    await locked(id, async () => {
        await makeDisk({ ...spec, trustedRoot: apiRoot() }, image);
        const record: MachineRecord = {
            id,
            name,
            region,
            publicAddress,
            privateAddress,
            volumes,
            createdAt: Date.now(),
        };
        writeJson(join(machineFolder(id), "machine.json"), record);
        await boot(record);
    });
}

/** Removes a machine and every trace of it. Succeeds when there is none. */
export async function destroyMachine(id: string): Promise<void> {
    await locked(id, async () => {
        await unplugMachine(id);
        await removeCgroup(machineCgroup(id));
        await detachMachine(id);
        cleanAfterSupervisor(id);
        await unmountDisk(id);
        rmSync(machineFolder(id), { recursive: true, force: true });
    });
}

/** Switches a machine on again, with the disk it had. Nothing happens when it runs. */
export async function bootMachine(id: string): Promise<void> {
    const record = recorded(id);
    await locked(id, async () => {
        if (stateOf(id) === "off") {
            await removeCgroup(machineCgroup(id));
            await mountDisk(id);
            await boot(record);
        }
    });
}

/**
 * Takes a machine's power: all of it ends at once, and its disk stays as it is. The link goes first, so that nobody
 * receives the kernel's good-byes for connections whose process has gone.
 */
export async function killMachine(id: string): Promise<void> {
    recorded(id);
    await locked(id, async () => {
        await unplugMachine(id);
        await killCgroup(machineCgroup(id));
    });
}

/**
 * Has a machine shut itself down, as by its power button. Nothing happens when it is off, or when there is none.
 *
 * @throws when it still runs after `limitSeconds`.
 */
export async function shutDownMachine(id: string, limitSeconds: number): Promise<void> {
    if (!existsSync(machineFolder(id)) || stateOf(id) === "off") {
        return;
    }
    await execInMachine(id, ["systemctl", "poweroff", "--no-block"]);
    const deadline = Date.now() + limitSeconds * 1000;
    while (stateOf(id) !== "off") {
        if (Date.now() > deadline) {
            throw new Error(`machine ${recorded(id).name} does not shut down within ${limitSeconds} s`);
        }
        await sleep(100);
    }
}

/** Stops every process of a machine where it is. Its kernel, which is the host's, still answers for open sockets. */
export async function freezeMachine(id: string): Promise<void> {
    await mustRun(id);
    await setFrozen(machineCgroup(id), true);
}

export async function thawMachine(id: string): Promise<void> {
    await mustRun(id);
    await setFrozen(machineCgroup(id), false);
}

/** Loses all that a machine sends or should receive, until `uncutMachine`. */
export async function cutMachine(id: string): Promise<void> {
    recorded(id);
    await setCut(machineNamespace(id), true);
}

export async function uncutMachine(id: string): Promise<void> {
    recorded(id);
    await setCut(machineNamespace(id), false);
}

/** The command that runs a program in a running machine, as root, with standard streams passed through. */
export function machineCommand(id: string, argv: readonly string[]): string[] {
    const leader = findLeader(machineCgroup(id));
    if (leader === undefined) {
        throw new Error(`machine ${recorded(id).name} is off (npm run lab -- boot ${recorded(id).name})`);
    }
    const environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"];
    const terminal = process.env.TERM === undefined ? [] : [`TERM=${process.env.TERM}`];
    return [
        ...["nsenter", "--target", String(leader), "--all", "--", "env", "-i", ...environment, ...terminal],
        ...["LANG=C.UTF-8", "container=systemd-nspawn", ...argv],
    ];
}

/** Runs a program in a running machine to its end. */
export function execInMachine(
    id: string,
    argv: readonly string[],
    options: RunOptions = {},
): Promise<RunResult> {
    return run(machineCommand(id, argv), options);
}

/** All machines of this lab, by name, the newest of each name first. */
export function listMachines(): Machine[] {
    const network = readNetwork();
    const ids = existsSync(labPath("machines")) ? readdirSync(labPath("machines")) : [];
    return ids
        .map((id) => readJson(join(machineFolder(id), "machine.json")) as MachineRecord | undefined)
        .filter((record) => record !== undefined)
        .sort((a, b) => a.name.localeCompare(b.name) || b.createdAt - a.createdAt)
        .map((record) => ({
            ...record,
            state: stateOf(record.id),
            cut: network.endpoints[machineNamespace(record.id)]?.cut ?? false,
            reservedAddresses: assignedAddresses(network, record.id),
        }));
}

/** The newest machine of a name. @throws with the names there are. */
export function findMachine(name: string): Machine {
    const machines = listMachines();
    const found = machines.find((machine) => machine.name === name) ?? machines.find(({ id }) => id === name);
    if (!found) {
        const names = [...new Set(machines.map((machine) => machine.name))];
        throw new Error(
            `there is no machine ${JSON.stringify(name)}; ` +
                (names.length === 0
                    ? "the lab has none (npm run lab -- up)"
                    : `there are ${names.join(", ")}`),
        );
    }
    return found;
}

/** A machine's console as it is so far. */
export function readConsole(id: string): string {
    return readFileSync(join(machineFolder(id), "console.log"), "utf8");
}

async function boot(record: MachineRecord): Promise<void> {
    const { id, name, publicAddress, privateAddress, volumes = [] } = record;
    await attachMachine({ id, publicAddress, privateAddress });
    await bootProcess(id, name, machineCgroup(id), volumes);
}

function machineCgroup(id: string): string {
    return labCgroup("machines", id);
}

function stateOf(id: string): MachineState {
    const cgroup = machineCgroup(id);
    return !isPopulated(cgroup) ? "off" : isFrozen(cgroup) ? "frozen" : "running";
}

async function mustRun(id: string): Promise<void> {
    if (stateOf(id) === "off") {
        throw new Error(`machine ${recorded(id).name} is off`);
    }
}

function recorded(id: string): MachineRecord {
    const record = readJson(join(machineFolder(id), "machine.json")) as MachineRecord | undefined;
    if (!record) {
        throw new Error(`there is no machine with the id ${id}`);
    }
    return record;
}

/** One at a time for each machine: the engine and a person may both be at it. */
function locked<T>(id: string, body: () => Promise<T>): Promise<T> {
    mkdirSync(labPath("locks"), { recursive: true });
    return withLock(labPath("locks", `machine-${id}`), body);
}
