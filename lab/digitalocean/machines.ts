import { mkdirSync, rmSync } from "node:fs";

import {
    bootMachine,
    createMachine,
    destroyMachine,
    killMachine,
    shutDownMachine,
} from "../machines/machines";
import { applyFirewall, assignReservedIp } from "../network/network";
import { labPath } from "../paths";
import type { Backend } from "./backendInterface";
import { vpcs, type DropletRecord, type VolumeRecord } from "./cloud";

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

/** Droplets as machines of this host. */
export const machineBackend: Backend = {
    async create(droplet, userData, publicKeys, volumes) {
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

    shutDown: (dropletId) => shutDownMachine(String(dropletId), shutdownLimitSeconds),

    destroy: (dropletId) => destroyMachine(String(dropletId)),

    async restart(droplet) {
        await killMachine(machineId(droplet));
        await bootMachine(machineId(droplet));
    },

    async createVolume(volume) {
        if (volume.filesystem === "") {
            throw new Error("the lab's volumes are folders: give it an initialFilesystemType, ext4 or xfs");
        }
        mkdirSync(volumeFolder(volume.id), { recursive: true, mode: 0o755 });
    },

    async destroyVolume(id) {
        rmSync(volumeFolder(id), { recursive: true, force: true });
    },

    async changeVolumes(droplet) {
        throw new Error(
            `the lab attaches volumes only when it makes a droplet: replace ${droplet.name} (pulumi up --replace <URN>)`,
        );
    },

    assign: (ip, droplet) => assignReservedIp(ip, droplet && machineId(droplet)),

    protect: (droplet, rules) => applyFirewall(machineId(droplet), rules),
};
