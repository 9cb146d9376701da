import type { RoleName } from "../../model/monitoring";

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
    /** Time zone of days and months, a key of the IANA database. */
    timeZone: string;
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
    remoteWrite?: RemoteWritePlan | undefined;
    logs: LogsPlan;
    figures: FiguresPlan;
}
