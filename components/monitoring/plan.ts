import type { RoleName } from "../../model/monitoring";
import type { FiguresPlan } from "./figures";
import type { LogsPlan } from "./logs";

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
    logs: LogsPlan;
    figures: FiguresPlan;
}
