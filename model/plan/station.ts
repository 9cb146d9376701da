import type { CanaryMachines } from "../canaryCosts";
import type { CloudflarePlan, PricedStorageClass } from "../prices";

/** What listeners hear of a channel in one format, and how many choose it. */
export interface ChosenFormat {
    /** Public path, for example `/main.mp3`. */
    mount: string;
    bitrateKbps: number;
    /** Part of all listeners; the parts of all formats are 1 together. */
    part: number;
}

/** Listeners of one region. */
export interface RegionListeners {
    /** A region with Relays, the one nearest to them. */
    region: string;
    /** At the busiest moment. */
    peak: number;
    /** On average over the hours in which there are listeners. */
    average: number;
}

/** A region's Relays, as far as they are to be planned. */
export interface PlannedPool {
    region: string;
    size: string;
    /** Without it, the planner's number is used. */
    count?: number;
    /** Regions of the tier above; empty where these Relays pull from the Masters. */
    upstreamRegions: readonly string[];
}

export interface PlannedCanary extends CanaryMachines {
    region: string;
    /** The pool that one of its addresses is in. */
    nearestRegion: string;
    /** Its weight in that pool, where a Relay weighs 1. */
    share: number;
    /** Hours a month in which the whole group runs, because the droplets cannot serve. */
    groupHours: number;
    /** What the account may cost in a month, in US dollars. */
    budgetUsd: number;
}

export interface PlannedBackup {
    region: string;
    copyRegion?: string;
    /** Shows in the bucket. */
    showsGiB: number;
    /** Steps to cheaper classes, youngest first. */
    showClasses: readonly { afterDays: number; storageClass: PricedStorageClass }[];
    /** How long dumps are kept. */
    archiveDays: number;
}

/** What went on air, as each Master records it. */
export interface PlannedRecordings {
    region: string;
    /** How long a recording is kept. */
    days: number;
    /** Of what is recorded of each channel. */
    bitratesKbps: readonly number[];
}

/** A station, as far as its plan depends on it. */
export interface StationToPlan {
    formats: readonly ChosenFormat[];
    channels: number;
    sources: number;
    /** Sizes of the Masters. */
    masters: readonly string[];
    pools: readonly PlannedPool[];
    /** Undefined where nobody has said how many are expected: then only what is configured is priced. */
    listeners?: readonly RegionListeners[];
    /** Hours a day in which there are listeners. */
    hoursPerDay: number;
    /** Regions whose loss the others need not carry. */
    acceptLossOf: readonly string[];
    /** Size of the monitoring machine's droplet. */
    monitoring?: { size: string };
    playout?: { size: string; volumeGiB: number; channels: number };
    canary?: PlannedCanary;
    backup?: PlannedBackup;
    recordings?: PlannedRecordings;
    dns: { service: "cloudflare"; plan: CloudflarePlan } | { service: "route53" };
}
