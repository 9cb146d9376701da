import { z } from "zod";

/** A machine's status, in one form for all roles. */
export interface RoleSummary {
    role: string | undefined;
    /** `ok`, the fault in a word or as an HTTP status, or `no answer`. */
    health: string;
    /** For people: `main: studio` of a Master, `/main.mp3 from a` of a Relay, what the monitoring machine sees. */
    plays: string;
    /** Connections to the public mounts; undefined for machines that do not count them. */
    listeners: number | undefined;
    /** Last day of its public certificate, `2027-02-25`, or `self-made`; empty for machines without one. */
    certificate: string;
    /** The machine's whole answer. */
    details?: unknown;
}

const listeners = z.union([z.number(), z.record(z.string(), z.number())]);

const masterCertificate = z.object({ source: z.string().nullish(), notAfter: z.string().nullish() });
const relayCertificate = z.object({ selfMade: z.boolean(), notAfter: z.number() });

const master = z.object({
    role: z.literal("master"),
    channels: z.record(
        z.string(),
        z.object({ playing: z.string().nullish(), listeners: listeners.optional() }),
    ),
    certificate: masterCertificate.nullish(),
});

const relay = z.object({
    role: z.literal("relay"),
    health: z.number(),
    mounts: z.record(z.string(), z.object({ listeners: z.number(), upstream: z.string().nullish() })),
    certificate: relayCertificate.nullish(),
});

/** Of the kind `playlist`; LibreTime does not run in the lab. */
const airtime = z.object({
    role: z.literal("airtime"),
    channels: z.record(z.string(), z.object({ shows: z.number(), playing: z.string().nullish() })),
    database: z.string().nullish(),
    backup: z.boolean().nullish(),
});

const monitoring = z.object({
    role: z.literal("monitoring"),
    machines: z.record(z.string(), z.object({ health: z.string() })),
});

/** Reads the JSON of `/usr/local/lib/aerial/status`. Anything else counts as no answer. */
export function summarize(answer: unknown): RoleSummary {
    const asMaster = master.safeParse(answer);
    if (asMaster.success) {
        const channels = Object.entries(asMaster.data.channels);
        return {
            role: "master",
            health: channels.every(([, { playing }]) => playing) ? "ok" : "silent",
            plays: channels.map(([id, { playing }]) => `${id}: ${playing ?? "nothing"}`).join(", "),
            listeners: sum(channels.map(([, channel]) => count(channel.listeners))),
            certificate: asMaster.data.certificate?.notAfter?.slice(0, 10) ?? "self-made",
            details: answer,
        };
    }
    const asRelay = relay.safeParse(answer);
    if (asRelay.success) {
        const mounts = Object.entries(asRelay.data.mounts);
        return {
            role: "relay",
            health: asRelay.data.health === 200 ? "ok" : String(asRelay.data.health),
            plays: mounts.map(([mount, { upstream }]) => `${mount} from ${upstream ?? "nowhere"}`).join(", "),
            listeners: sum(mounts.map(([, mount]) => mount.listeners)),
            certificate: shownByRelay(asRelay.data.certificate),
            details: answer,
        };
    }
    const asAirtime = airtime.safeParse(answer);
    if (asAirtime.success) {
        const { channels, database, backup } = asAirtime.data;
        const entries = Object.entries(channels);
        // An empty library is no fault.
        const silent = entries.some(([, { shows, playing }]) => shows > 0 && !playing);
        return {
            role: "airtime",
            health: database
                ? "no database"
                : silent
                  ? "silent"
                  : backup === false
                    ? "backup not well"
                    : "ok",
            plays: entries.map(([id, { playing }]) => `${id}: ${playing ?? "nothing"}`).join(", "),
            listeners: undefined,
            certificate: "",
            details: answer,
        };
    }
    const asMonitoring = monitoring.safeParse(answer);
    if (asMonitoring.success) {
        const seen = Object.values(asMonitoring.data.machines);
        const up = seen.filter(({ health }) => health === "up").length;
        return {
            role: "monitoring",
            health: up > 0 ? "ok" : "sees nothing",
            plays: `sees ${up} of ${seen.length} machines`,
            listeners: undefined,
            certificate: "",
            details: answer,
        };
    }
    return { role: undefined, health: "no answer", plays: "", listeners: undefined, certificate: "" };
}

function shownByRelay(certificate: z.infer<typeof relayCertificate> | null | undefined): string {
    if (!certificate) {
        return "";
    }
    const { selfMade, notAfter } = certificate;
    return selfMade ? "self-made" : new Date(notAfter * 1000).toISOString().slice(0, 10);
}

function count(value: z.infer<typeof listeners> | undefined): number {
    return typeof value === "object" ? sum(Object.values(value)) : (value ?? 0);
}

function sum(values: number[]): number {
    return values.reduce((total, value) => total + value, 0);
}
