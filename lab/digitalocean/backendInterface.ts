import type { FirewallRules } from "../network/state";
import type { DropletRecord, VolumeRecord } from "./cloud";

/** What becomes of the cloud's records on this host. */
export interface Backend {
    /** Starts a droplet's machine with its volumes. `publicKeys` are OpenSSH lines for root. */
    create(
        droplet: DropletRecord,
        userData: string,
        publicKeys: readonly string[],
        volumes: readonly VolumeRecord[],
    ): Promise<void>;
    /** Has a machine end all that runs on it, and unmount its volumes. @throws when it takes longer than a minute. */
    shutDown(dropletId: number): Promise<void>;
    /** Removes a machine and all of its traces; succeeds when there is none. */
    destroy(dropletId: number): Promise<void>;
    /** Switches it off and on again, as a resize does. */
    restart(droplet: DropletRecord): Promise<void>;
    /** Makes an empty volume, and takes one away with what is on it. */
    createVolume(volume: VolumeRecord): Promise<void>;
    destroyVolume(volumeId: string): Promise<void>;
    /** Called before volumes are attached to, or taken from, a droplet that runs. @throws where that cannot be done. */
    changeVolumes(droplet: DropletRecord): Promise<void>;
    /** Routes a reserved address to a droplet, or to nobody. */
    assign(ip: string, droplet: DropletRecord | undefined): Promise<void>;
    /** Enforces rules on a droplet; undefined when no firewall is attached, which leaves everything open. */
    protect(droplet: DropletRecord, rules: FirewallRules | undefined): Promise<void>;
}
