import type { Metrics, Sample } from "./prometheus";

/*
 * A station's metrics in several states, as its machines offer them: two channels, two Masters, Relays in three regions.
 */

const channels = ["main", "nocturne"];
const sources = ["studio", "mobile", "airtime"];
const masters = [
    { name: "master-a", region: "ams3" },
    { name: "master-b", region: "fra1" },
];
const relays = ["ams3", "nyc3", "sgp1"].flatMap((region) =>
    [1, 2].map((number) => ({ name: `relay-${region}-${number}`, region })),
);
const listeners: Record<string, number> = { ams3: 214, nyc3: 96, sgp1: 31 };

export interface Circumstances {
    /** What the Masters play. */
    source?: string;
    /** Sources that are connected. */
    connected?: readonly string[];
    deadMachines?: readonly string[];
    /** A region in which the Ears hear nothing. */
    deafRegion?: string;
    /** Whether there is a listener in each region that says what it hears. */
    ears?: boolean;
}

/** What Prometheus would know now. */
export function metricsOf(circumstances: Circumstances): Metrics {
    return { now: present(circumstances), past: past() };
}

function present({
    source = "studio",
    connected = ["studio", "airtime"],
    deadMachines = [],
    deafRegion,
    ears = true,
}: Circumstances): Sample[] {
    const now = Date.now() / 1000;
    const samples: Sample[] = [];
    const add = (name: string, labels: Record<string, string>, value: number): void => {
        samples.push({ metric: { __name__: name, ...labels }, value });
    };
    const alive = (name: string): boolean => !deadMachines.includes(name);
    const heardMaster = masters.find(({ name }) => alive(name))?.name.replace("master-", "");
    for (const [role, machines] of [
        ["master", masters],
        ["relay", relays],
    ] as const) {
        for (const { name, region } of machines) {
            const labels = { machine: name, role, region, job: "machine" };
            add("up", labels, Number(alive(name)));
            if (alive(name)) {
                const file = `/var/lib/prometheus/node-exporter/aerial-${role}.prom`;
                add("node_textfile_mtime_seconds", { ...labels, file }, now - 7);
                add(`aerial_${role}_healthy`, labels, 1);
            }
        }
    }
    for (const { name } of masters.filter(({ name }) => alive(name))) {
        for (const channel of channels) {
            for (const playing of [...sources, "emergency", "announcement", "nothing"]) {
                add(
                    "aerial_master_playing",
                    { machine: name, channel, source: playing },
                    Number(playing === source),
                );
            }
            for (const one of sources) {
                const labels = { machine: name, channel, source: one };
                add("aerial_master_source_connected", labels, Number(connected.includes(one)));
                add("aerial_master_source_silent", labels, 0);
            }
        }
    }
    for (const { name, region } of relays.filter(({ name }) => alive(name))) {
        for (const mount of channels.flatMap((channel) => [`/${channel}.mp3`, `/${channel}.aac`])) {
            add("aerial_relay_listeners", { machine: name, mount }, Math.round((listeners[region] ?? 0) / 8));
            for (const upstream of ["a", "b", "standby"]) {
                const heard = upstream === (heardMaster ?? "standby");
                add("aerial_relay_upstream", { machine: name, mount, upstream }, Number(heard));
            }
        }
    }
    if (ears) {
        for (const listen_region of ["ams3", "nyc3", "sgp1"]) {
            add("aerial_ears_seen_timestamp_seconds", { listen_region }, now - 4);
            for (const channel of channels) {
                const labels = { listen_region, channel, mount: `/${channel}.mp3` };
                add("aerial_ears_advancing", labels, Number(listen_region !== deafRegion));
                add("aerial_ears_silent_seconds", labels, 0);
                const playing = heardMaster === undefined ? "standby" : source;
                add("aerial_ears_playing", { ...labels, source: playing }, 1);
                add("aerial_ears_level_left_dbfs", labels, -17.4);
                add("aerial_ears_level_right_dbfs", labels, -18.1);
                add("aerial_ears_loudness_lufs", labels, -16.2);
            }
        }
    }
    const backup = { machine: "airtime", role: "airtime" };
    for (const [kind, ageSeconds] of Object.entries({
        upload: 12,
        dump: 1800,
        audit: 40_000,
        drill: 36_000,
    })) {
        add(`aerial_backup_${kind}_healthy`, backup, 1);
        add(`aerial_backup_${kind}_last_success_timestamp_seconds`, backup, now - ageSeconds);
    }
    answered(add);
    return samples;
}

/** Answers to questions that are more than a metric. */
function answered(add: (name: string, labels: Record<string, string>, value: number) => void): void {
    const query = (text: string, labels: Record<string, string>, value: number): void =>
        add("", { query: text, ...labels }, value);
    query("sum(increase(node_network_transmit_bytes_total", {}, 4321.5 * 2 ** 30);
    for (const channel of channels) {
        for (const [source, share, losses] of [
            ["studio", 0.97, 2],
            ["mobile", 0.08, 1],
            ["airtime", 1, 0],
        ] as const) {
            const labels = { channel, source };
            const ofDay = "aerial_master_source_connected[1d]";
            query(`max by (channel, source) (avg_over_time(${ofDay}))`, labels, share);
            query(`max by (channel, source) (resets(${ofDay}))`, labels, losses);
        }
    }
}

/** Studio by day, the playout by night; a loss of all on one evening, a silence, half an hour of emergency shows. */
function sourceAt(seconds: number): string {
    const hour = Math.floor(seconds / 3600) % 24;
    const day = Math.floor(Date.now() / 1000 / 86_400) - Math.floor(seconds / 86_400);
    const minute = Math.floor(seconds / 60) % 60;
    if (day === 2 && hour === 14 && minute < 30) {
        return "emergency";
    }
    return day === 4 && hour >= 15 && hour < 18 ? "mobile" : hour >= 7 && hour < 22 ? "studio" : "airtime";
}

function past(): Metrics["past"] {
    const daysAgo = (seconds: number): number =>
        Math.floor(Date.now() / 1000 / 86_400) - Math.floor(seconds / 86_400);
    const within = (seconds: number, day: number, from: number, to: number): boolean =>
        daysAgo(seconds) === day && seconds % 86_400 > from && seconds % 86_400 <= to;
    // The monitoring machine was away.
    const known = (seconds: number): boolean => !within(seconds, 5, 3 * 3600, 4 * 3600);
    const ofChannels = (value: (seconds: number) => number) =>
        channels.map((channel) => ({
            metric: { channel },
            at: (seconds: number) => (known(seconds) ? value(seconds) : undefined),
        }));
    return {
        "min_over_time(aerial_ears_advancing": ofChannels((seconds) =>
            within(seconds, 3, 72_000, 72_240) ? 0 : within(seconds, 1, 36_000, 36_900) ? 0.67 : 1,
        ),
        "max_over_time(aerial_ears_silent": ofChannels((seconds) =>
            Number(within(seconds, 6, 50_000, 50_400)),
        ),
        "max_over_time(aerial_ears_playing": channels.flatMap((channel) =>
            [...sources, "emergency"].map((source) => ({
                metric: { channel, source },
                at: (seconds: number) => (known(seconds) && sourceAt(seconds) === source ? 1 : undefined),
            })),
        ),
        "clamp_min(sum(aerial_relay_listeners)": [
            {
                metric: {},
                at: (seconds) =>
                    180 + Math.round(150 * Math.sin(((seconds % 86_400) / 86_400) * 2 * Math.PI - 2)),
            },
        ],
    };
}

/** The settings that the program is told, but where to ask and to write. */
export const settings = {
    station: "Radio Meridian",
    stream: "stream.radio.example",
    timeZone: "UTC",
    channels: [
        { id: "main", title: "Radio Meridian", mounts: mountsOf("main") },
        { id: "nocturne", title: "Meridian Nocturne", mounts: mountsOf("nocturne") },
    ],
    sources: [
        { name: "studio", title: "Studio" },
        { name: "mobile", title: "Mobile studio" },
        { name: "airtime", title: "Airtime playout" },
    ],
    masters,
    relays: relays.map((relay) => ({ ...relay, address: "127.0.0.1:9" })),
    regions: {
        ams3: "Amsterdam, Netherlands",
        fra1: "Frankfurt, Germany",
        nyc3: "New York, United States",
        sgp1: "Singapore",
    },
    backup: true,
    private: ["masters", "sources", "backup", "alerts", "bill"],
    plan: {
        monthlyUsd: 214.4,
        items: [
            { name: "Masters", monthlyUsd: 48 },
            { name: "Relays ams3", monthlyUsd: 36 },
            { name: "Names", monthlyUsd: 60 },
            { name: "Transfer", monthlyUsd: 4.4 },
        ],
        includedGiB: 9000,
        transferUsdPerGib: 0.01,
    },
};

function mountsOf(channel: string): object[] {
    return [
        { codec: "mp3", bitrateKbps: 192, mount: `/${channel}.mp3`, contentType: "audio/mpeg" },
        { codec: "aac", bitrateKbps: 64, mount: `/${channel}.aac`, contentType: "audio/aac" },
    ];
}
