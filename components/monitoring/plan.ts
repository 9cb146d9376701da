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

/** What of logs is kept, and how long. */
export interface LogsPlan {
    /** For how many days. */
    days: number;
    /** How much of the disk they may take, in MiB: the oldest go first. */
    limitMiB: number;
    /** After how many days what holds listeners' addresses goes. */
    addressDays: number;
}

/** What becomes listener figures, and how. */
export interface FiguresPlan {
    channels: {
        id: string;
        title: string;
        formats: { mount: string; codec: string; bitrateKbps: number }[];
    }[];
    /** Whether listeners are counted by country, by the free table of IPFire's project (package libloc-database). */
    countries: boolean;
    /** Whether there is a file of listeners for SoundExchange. */
    soundExchange: boolean;
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
    /** The station's, of the IANA database: for the times in messages, the hour of the digest, the days of listener figures. */
    timeZone: string;
    statusPage?: StatusPagePlan | undefined;
    logs: LogsPlan;
    figures: FiguresPlan;
}
