import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { trustedRoots } from "../authority";
import { killCgroup, processState, removeCgroup, setFrozen, type ProcessState } from "../workstation/cgroups";
import { readJson, writeJson } from "../workstation/files";
import { withLock } from "../workstation/lock";
import { run, type RunOptions, type RunResult } from "../workstation/run";
import { waitFor } from "../workstation/wait";
import { assignedAddresses, attachMachine, detachMachine, setCut, unplugMachine } from "../network/network";
import { readNetwork, type Cut, type PrivateAddress } from "../network/state";
import { labCgroup, labPath, machineFolder, machineNamespace } from "../paths";
import { bootProcess, cleanAfterSupervisor, findLeader } from "./boot";
import { makeDisk, mountDisk, unmountDisk } from "./disk";
import { ensureImage } from "./image";

/** A machine to make, as the cloud describes it. */
interface MachineSpec {
    /** Its id in the cloud, `[A-Za-z0-9-]+`; never used again for another machine. */
    id: string;
    /** Its hostname. Two machines may have the same one; a name then means the newest of them. */
    name: string;
    region: string;
    publicAddress: string;
    privateAddress?: PrivateAddress;
    /** cloud-init user data, as given to the cloud. */
    userData: string;
    /** Folders of the workstation that the machine sees as disks. */
    volumes?: readonly { source: string; target: string }[];
    /** SSH keys that may log in as root, as OpenSSH lines. */
    publicKeys?: readonly string[];
}

/** What is recorded of a machine. Its user data is only on its disk. */
interface MachineRecord extends Omit<MachineSpec, "userData" | "publicKeys"> {
    /** Milliseconds since 1970. */
    createdAt: number;
}

export interface Machine extends MachineRecord {
    state: ProcessState;
    /** Which of its packets are lost, while its network is cut. */
    cut?: Cut;
    reservedAddresses: string[];
}

/**
 * Makes a machine and boots it: a disk on the base image, its user data as a NoCloud seed, its link to the network.
 * Returns when it runs; cloud-init is then still at work. Replaces what an interrupted attempt has left.
 */
export async function createMachine(spec: MachineSpec): Promise<void> {
    if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,40}$/.test(spec.id)) {
        throw new Error(`${JSON.stringify(spec.id)} cannot be a machine's id`);
    }
    const image = await ensureImage();
    await destroyMachine(spec.id);
    const { userData, publicKeys, ...place } = spec;
    await locked(spec.id, async () => {
        await makeDisk(
            { id: spec.id, name: spec.name, userData, publicKeys, trustedRoot: trustedRoots() },
            image,
        );
        const record: MachineRecord = { ...place, createdAt: Date.now() };
        writeJson(join(machineFolder(spec.id), "machine.json"), record);
        await boot(record);
    });
}

/** Removes a machine and all its traces. Succeeds when there is none. */
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

/** Switches a machine on again, with the disk it had. Does nothing when it runs. */
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
 * Takes a machine's power: all its processes end at once, and its disk stays as it is. The link is removed first: else
 * the kernel would close the dead processes' connections properly, which a real power loss does not.
 */
export async function killMachine(id: string): Promise<void> {
    recorded(id);
    await locked(id, async () => {
        await unplugMachine(id);
        await killCgroup(machineCgroup(id));
    });
}

/**
 * Shuts a machine down as its power button does. Does nothing when it is off, or when there is none.
 *
 * @throws when it still runs after `limitSeconds`.
 */
export async function shutDownMachine(id: string, limitSeconds: number): Promise<void> {
    if (!existsSync(machineFolder(id)) || stateOf(id) === "off") {
        return;
    }
    // A machine that goes down quickly takes this command with it. Whether it is off is asked below.
    await execInMachine(id, ["systemctl", "poweroff", "--no-block"], { allow: "any" });
    await waitFor(() => stateOf(id) === "off", {
        limitMs: limitSeconds * 1000,
        everyMs: 100,
        complaint: () => `machine ${recorded(id).name} does not shut down within ${limitSeconds} s`,
    });
}

/** Whether a machine has power; one that nobody knows has none. */
export function isMachineOn(id: string): boolean {
    return existsSync(machineFolder(id)) && stateOf(id) !== "off";
}

/** Stops every process of a machine where it is. The kernel, which is the workstation's, still answers on open sockets. */
export async function freezeMachine(id: string): Promise<void> {
    await freeze(id, true);
}

export async function thawMachine(id: string): Promise<void> {
    await freeze(id, false);
}

/** Cuts a machine off the network: all packets from and to it are lost, or those of one direction, until `uncutMachine`. */
export async function cutMachine(id: string, cut: Cut = "both ways"): Promise<void> {
    recorded(id);
    await setCut(machineNamespace(id), cut);
}

export async function uncutMachine(id: string): Promise<void> {
    recorded(id);
    await setCut(machineNamespace(id), undefined);
}

/** The command that runs a program in a running machine, as root. */
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
            cut: network.endpoints[machineNamespace(record.id)]?.cut,
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

async function boot(record: MachineRecord): Promise<void> {
    const { id, name, publicAddress, privateAddress, volumes = [] } = record;
    await attachMachine({ id, publicAddress, privateAddress });
    await bootProcess(id, name, machineCgroup(id), volumes);
}

function machineCgroup(id: string): string {
    return labCgroup("machines", id);
}

function stateOf(id: string): ProcessState {
    return processState(machineCgroup(id));
}

async function freeze(id: string, frozen: boolean): Promise<void> {
    if (stateOf(id) === "off") {
        throw new Error(`machine ${recorded(id).name} is off`);
    }
    await setFrozen(machineCgroup(id), frozen);
}

function recorded(id: string): MachineRecord {
    const record = readJson(join(machineFolder(id), "machine.json")) as MachineRecord | undefined;
    if (!record) {
        throw new Error(`there is no machine with the id ${id}`);
    }
    return record;
}

/** One change at a time for each machine: the engine and a person may both work on it. */
function locked<T>(id: string, body: () => Promise<T>): Promise<T> {
    return withLock(labPath("locks", `machine-${id}`), body);
}

/** Undoes whatever has been done to a machine from outside. */
export async function mendMachine({ id, state, cut }: Machine): Promise<void> {
    if (cut) {
        await uncutMachine(id);
    }
    if (state === "frozen") {
        await thawMachine(id);
    }
    if (state === "off") {
        await bootMachine(id);
    }
}
