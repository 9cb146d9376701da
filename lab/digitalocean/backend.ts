import { mkdirSync, rmSync } from "node:fs";

import { labMode } from "../cloud/mode";
import {
    bootMachine,
    createMachine,
    destroyMachine,
    isMachineOn,
    killMachine,
    shutDownMachine,
} from "../machines/machines";
import { applyFirewall, assignReservedIp } from "../network/network";
import type { FirewallRules } from "../network/state";
import { labPath } from "../paths";
import { vpcs, type DropletRecord, type VolumeRecord } from "./records";

/** The only image the lab has a base of. */
const labImage = "debian-13-x64";

/** As long as the provider waits for a graceful shutdown; then it gives up, and the droplet stays. */
const shutdownLimitSeconds = 60;

function machineId(droplet: DropletRecord): string {
    return String(droplet.id);
}

/** What is on a volume: a folder that machines come and go with. */
function volumeFolder(id: string): string {
    return labPath("volumes", id);
}

/** Where DigitalOcean's image mounts a volume that was formatted for the account. */
function mountPoint({ name }: VolumeRecord): string {
    return `/mnt/${name.replaceAll("-", "_")}`;
}

/** Droplets as machines of this workstation. */
const machineBackend = {
    /** Starts a droplet's machine with its volumes. `publicKeys` are OpenSSH lines for root. */
    async create(
        droplet: DropletRecord,
        userData: string,
        publicKeys: readonly string[],
        volumes: readonly VolumeRecord[],
    ): Promise<void> {
        if (droplet.image !== labImage) {
            throw new Error(`the lab makes machines of ${labImage} only, not of ${droplet.image}`);
        }
        const vpc = vpcs.get(droplet.vpcUuid);
        await createMachine({
            id: machineId(droplet),
            name: droplet.name,
            region: droplet.region,
            publicAddress: droplet.address,
            privateAddress: vpc && {
                address: droplet.privateAddress,
                vpcId: vpc.id,
                vpcRange: vpc.ipRange,
            },
            userData,
            publicKeys,
            volumes: volumes.map((volume) => ({
                source: volumeFolder(volume.id),
                target: mountPoint(volume),
            })),
        });
    },

    /** Has a machine end all that runs on it, and unmount its volumes. @throws when it takes longer than a minute. */
    shutDown: (dropletId: number): Promise<void> => shutDownMachine(String(dropletId), shutdownLimitSeconds),

    /** Whether a droplet has power. */
    isOn: (dropletId: number): boolean => isMachineOn(String(dropletId)),

    /** Removes a machine and all of its traces; succeeds when there is none. */
    destroy: (dropletId: number): Promise<void> => destroyMachine(String(dropletId)),

    /** Switches it off and on again, as a resize does. */
    async restart(droplet: DropletRecord): Promise<void> {
        await killMachine(machineId(droplet));
        await bootMachine(machineId(droplet));
    },

    /** Makes an empty volume. */
    async createVolume(volume: VolumeRecord): Promise<void> {
        if (volume.filesystem === "") {
            throw new Error("the lab's volumes are folders: give it an initialFilesystemType, ext4 or xfs");
        }
        mkdirSync(volumeFolder(volume.id), { recursive: true, mode: 0o755 });
    },

    /** Takes a volume away with what is on it. */
    async destroyVolume(volumeId: string): Promise<void> {
        rmSync(volumeFolder(volumeId), { recursive: true, force: true });
    },

    /** Called before volumes are attached to, or taken from, a droplet that runs. @throws where that cannot be done. */
    async changeVolumes(droplet: DropletRecord): Promise<void> {
        throw new Error(
            `the lab attaches volumes only when it makes a droplet: replace ${droplet.name} (pulumi up --replace <URN>)`,
        );
    },

    /** Routes a reserved address to a droplet, or to nobody. */
    assign: (ip: string, droplet: DropletRecord | undefined): Promise<void> =>
        assignReservedIp(ip, droplet && machineId(droplet)),

    /** Enforces rules on a droplet; undefined when no firewall is attached, which leaves everything open. */
    protect: (droplet: DropletRecord, rules: FirewallRules | undefined): Promise<void> =>
        applyFirewall(machineId(droplet), rules),
};

/** Checks and records only. */
const recordBackend: typeof machineBackend = {
    create: async () => {},
    shutDown: async () => {},
    // There is no machine that would have power: programs that end a droplet need not wait for it.
    isOn: () => false,
    destroy: async () => {},
    restart: async () => {},
    createVolume: async () => {},
    destroyVolume: async () => {},
    changeVolumes: async () => {},
    assign: async () => {},
    protect: async () => {},
};

/** What becomes of records in this lab's mode. */
export function backend(): typeof machineBackend {
    return labMode() === "record" ? recordBackend : machineBackend;
}
