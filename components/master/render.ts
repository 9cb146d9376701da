import type { MachineRole } from "../machine/role";
import type { ChannelPlan, SilencePlan, SourcePlan, Upstream } from "../plan";

/** All that a Master's machine is told by its user data. */
export interface MasterPlan {
    /** `a`, `b`, … */
    id: string;
    stationName: string;
    channels: ChannelPlan[];
    /** By priority, first heard first. */
    sources: SourcePlan[];
    silence: SilencePlan;
    /** The other Masters, whose direct sources this one relays. */
    peers: Upstream[];
    /** Plain port that encoders connect to. */
    ingestPort: number;
    /** TLS port that Relays and other Masters pull from. */
    linkPort: number;
    /** How many Relays and Masters may pull one mount at once. */
    maxLinks: number;
}

/** Renders what a Master's machine gets: Icecast, Liquidsoap, the TLS side, their units and scripts. */
export function renderMaster(_plan: MasterPlan): MachineRole {
    throw new Error("not written yet");
}
