import type { MonitoredMachine } from "../../model/monitoring";
import type { EarsPlan } from "./ears";
import type { AlertFacts } from "./alertRules";
import type { AlertsPlan } from "./alerts";
import type { StatusPagePlan } from "./statusPage";

/** Where metrics also go: a receiver of Prometheus's remote write, which takes its key as a bearer's. */
export interface RemoteWritePlan {
    url: string;
    /** Name of the key among the secrets of the stack's configuration. */
    keySecret: string;
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
    ears: EarsPlan;
    remoteWrite?: RemoteWritePlan | undefined;
    /** What rules have to know of the station. */
    alertFacts: AlertFacts;
    /** Who is told of alerts; nobody when absent. */
    alerts?: AlertsPlan | undefined;
    /** The station's, of the IANA database: for the times in messages, and the hour of the digest. */
    timeZone: string;
    statusPage?: StatusPagePlan | undefined;
}
