import type { ChannelPlan } from "../../model/channels";
import type { Upstream } from "../../model/links";
import type { AcmePlan } from "../../model/publicCertificate";
import type { SilencePlan, SourcePlan } from "../../model/sources";
import type { EmergencyShowsPlan } from "./emergencyShows";

/** All that a Master's machine is told by its user data. */
export interface MasterPlan {
    /** `a`, `b`, … */
    id: string;
    stationName: string;
    channels: ChannelPlan[];
    /** By priority, first heard first. */
    sources: SourcePlan[];
    silence: SilencePlan;
    /** The other Masters, whose direct sources this one plays too. */
    peers: Upstream[];
    /** Plain port that encoders connect to. */
    ingestPort: number;
    /** How many Relays and Masters may pull one mount at once. */
    maxLinks: number;
    /** 0 for the preferred Master, which renews the public certificate; the others do so when it did not. */
    rank: number;
    /** Names of the public certificate, the best known first. */
    publicNames: string[];
    acme: AcmePlan;
    /** Emergency shows from the station's backup; without one, there are those that people put on the machine. */
    emergency?: EmergencyShowsPlan | undefined;
}
