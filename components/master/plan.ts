import type { ChannelPlan } from "../../model/channels";
import type { IcecastVersion } from "../../model/icecast";
import type { Upstream } from "../../model/links";
import type { AcmePlan } from "../../model/publicCertificate";
import type { SilencePlan, SourcePlan } from "../../model/sources";
import type { EmergencyShowsPlan } from "./emergencyShows";
import type { RecordingsPlan } from "./recordings";

/** All that a Master's machine is told by its user data. */
export interface MasterPlan {
    /** `a`, `b`, … */
    id: string;
    stationName: string;
    /** The Icecast that this machine installs. */
    icecast: IcecastVersion;
    channels: ChannelPlan[];
    /** By priority, first heard first. */
    sources: SourcePlan[];
    silence: SilencePlan;
    /** How much of each source is held, in seconds; each is heard later by as much. */
    bufferSeconds: number;
    /** The other Masters, whose direct sources this one plays too. */
    peers: Upstream[];
    /** Generations of the link password that are accepted, oldest first. */
    linkGenerations: number[];
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
    /** Where what went on air is kept; nothing is recorded without. */
    recordings?: RecordingsPlan | undefined;
}
