import type { ChannelPlan } from "../../model/channels";
import type { RoleName } from "../../model/monitoring";
import type { StationPlan } from "../../model/plan";
import type { AcmePlan } from "../../model/publicCertificate";
import type { SourcePlan } from "../../model/sources";
import type { StatusPagePart } from "../../model/statusPage";

/** A machine whose metrics are read. */
export interface MonitoredMachine {
    role: RoleName;
    /** Provider region. */
    region: string;
    /** Where it offers its metrics. */
    address: string;
}

/** Where metrics also go: a receiver of Prometheus's remote write, which takes its key as a bearer's. */
export interface RemoteWritePlan {
    url: string;
}

/** What the status page is told of the station. */
export interface StatusPagePlan {
    /** Its name, such as `status.radio.example`. */
    name: string;
    /** The name that players connect to. */
    streamName: string;
    channels: ChannelPlan[];
    /** By priority. */
    sources: SourcePlan[];
    /** Names of the Masters' machines, preferred first. */
    masters: string[];
    timeZone: string;
    /** Whether a backup runs that its metrics tell of. */
    hasBackup: boolean;
    /** Parts that only the team sees; without any there is no password. */
    private: StatusPagePart[];
    /** What a month costs. */
    bill: Pick<StationPlan, "items" | "monthlyUsd"> & {
        transfer: Pick<StationPlan["transfer"], "includedGiB">;
    };
    acme: AcmePlan;
}

/** All that the monitoring machine is told. */
export interface MonitoringPlan {
    stationName: string;
    /** All machines of the station but this one, by name, for example `relay-ams3-1`. */
    machines: Record<string, MonitoredMachine>;
    /** Provider region of this machine. */
    region: string;
    /** For how many days metrics are kept. */
    retentionDays: number;
    /** How much of the disk metrics may take, in MiB: the oldest go first. */
    retentionMiB: number;
    remoteWrite?: RemoteWritePlan | undefined;
    statusPage?: StatusPagePlan | undefined;
}
