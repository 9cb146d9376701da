import type { MachineRole } from "../machine/role";
import type { ChannelPlan, Upstream } from "../plan";

/** All that a Relay's machine is told by its user data. */
export interface RelayPlan {
    /** Name listeners' responses carry, for example `relay-ams3`. */
    pool: string;
    stationName: string;
    channels: ChannelPlan[];
    /** Where to pull from, first preferred: both Masters, or the Relays of the tier above. */
    upstreams: Upstream[];
    /** Listeners at which the Relay is full, over all mounts. */
    listenerLimit: number;
}

/** Renders what a Relay's machine gets: Icecast, NGINX, the source of last resort, their units and scripts. */
export function renderRelay(_plan: RelayPlan): MachineRole {
    throw new Error("not written yet");
}
