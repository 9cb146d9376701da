import { bootMachine, createMachine, destroyMachine, killMachine } from "../../machines/machines";
import { applyFirewall, assignReservedIp } from "../../network/network";
import type { Backend } from "./backend";
import { vpcs, type DropletRecord } from "./cloud";

/** The only image the lab has a base of. */
const labImage = "debian-13-x64";

function machineId(droplet: DropletRecord): string {
    return String(droplet.id);
}

/** Droplets as machines of this host. */
export const machineBackend: Backend = {
    async create(droplet, userData, publicKeys) {
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
        });
    },

    destroy: (dropletId) => destroyMachine(String(dropletId)),

    async restart(droplet) {
        await killMachine(machineId(droplet));
        await bootMachine(machineId(droplet));
    },

    assign: (ip, droplet) => assignReservedIp(ip, droplet && machineId(droplet)),

    protect: (droplet, rules) => applyFirewall(machineId(droplet), rules),
};
