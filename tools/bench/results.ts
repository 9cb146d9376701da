import type { AgeFigure } from "../soak/growth";

/** Where and when figures were measured. */
export interface Circumstances {
    /** ISO 8601. */
    at: string;
    /** Commit of the checkout, with a `+` when it had changes. */
    commit: string;
    processor: string;
    processors: number;
    memoryGiB: number;
    kernel: string;
    /** Load of the workstation in the last minute before the first figure: the lab at rest, and whatever else ran. */
    loadBefore: number;
    /** Programs of the lab's machines, by package. */
    versions: Record<string, string>;
}

/** First bytes of listeners of one format who come one way, in ms: medians of the rounds' percentiles. */
export interface FirstBytesRow {
    format: string;
    way: string;
    answerP50: number;
    answerP95: number;
    audioP50: number;
    audioP95: number;
    failures: number;
}

/** What listeners of one format cost one server. */
export interface CostRow {
    format: string;
    server: string;
    /** Per cent of one processor per 1,000 listeners, without what the server needs with nobody on. */
    processorPercent: number;
    /** Memory of the server's processes per listener; the kernel's is not in it. */
    kibPerListener: number;
    /** The load client's share of one processor in the same time, in per cent. */
    clientPercent: number;
    lost: number;
}

export interface HerdRow {
    count: number;
    format: string;
    halfMs: number;
    p95Ms: number;
    lastMs: number;
    failures: number;
    clientPercent: number;
}

/** A unit of a Relay that nobody listens to. */
export interface RestRow {
    unit: string;
    processorPercent: number;
    memoryMiB: number;
    descriptors: number;
}

/** One of the faults in a row. Levels are seconds of audio in the buffer, of the listener with the least of it. */
export interface FaultRow {
    fault: string;
    lowestSeconds: number;
    /** 3 s after the fault, against the start: below zero is what is missing. */
    missingSeconds: number;
}

export interface FaultsResult {
    listeners: number;
    startSeconds: number;
    rows: FaultRow[];
    disconnects: number;
    gapSeconds: number;
}

export interface BenchResult {
    circumstances: Circumstances;
    rounds: number;
    tries: number;
    listeners: number;
    firstBytes?: FirstBytesRow[];
    rest?: RestRow[];
    cost?: CostRow[];
    herd?: HerdRow[];
    faults?: FaultsResult;
}

/** A program of a machine over the soak: each list has one figure for each of the soak's moments. */
export interface SoakRow {
    machine: string;
    program: string;
    memoryMiB: (number | null)[];
    descriptors: (number | null)[];
    /** Of one processor, since the moment before. */
    processorPercent: (number | null)[];
    restarts: number;
    /** Rise over the second half, by the median slope; null where no process lived long enough to tell. */
    memoryRiseMiB: number | null;
    descriptorsRise: number | null;
}

export interface SoakListener {
    name: string;
    disconnects: number;
    gapSeconds: number;
    startSeconds: number;
    lowestSeconds: number;
}

export interface SoakResult {
    circumstances: Circumstances;
    seed: number;
    hours: number;
    samples: number;
    /** Minutes since the beginning at which the rows have figures. */
    moments: number[];
    rows: SoakRow[];
    /** Memory of a program's processes, in MiB, by their age, over all machines. */
    memoryByAge: Record<string, AgeFigure[]>;
    /** How often each kind of thing happened. */
    happened: Record<string, number>;
    listeners: SoakListener[];
    /** Why it failed; empty when it passed. */
    complaints: string[];
}
