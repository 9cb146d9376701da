import type { HeardSilence, HeardSource } from "./decoder";
import type { Codec } from "./frames";
import type { Gap } from "./playback";

/** One connection of a player, or an attempt at one. Times are milliseconds since 1970. */
export interface Connection {
    url: string;
    /** Of the server that answered. */
    address?: string;
    /** When it began to connect. */
    at: number;
    /** From the beginning of the connection to the first byte of audio; absent when none came. */
    firstByteMs?: number;
    bytes: number;
    /** When and why it ended; absent while it lasts, and when the player was stopped. */
    ended?: { at: number; reason: string };
}

/** A title of the stream. */
export interface HeardTitle {
    title: string;
    /** Where it stands in the audio that this listener received, in seconds. */
    mediaSeconds: number;
    /** When it arrived, in milliseconds since 1970. */
    arrivedAt: number;
}

/** What a listener experienced: the output of `listen --json`. */
export interface ListenReport {
    codec: Codec;
    /** Milliseconds since 1970. */
    startedAt: number;
    /** How long it listened, in seconds. */
    seconds: number;
    /** Of the first connection that brought audio, in milliseconds; null when none did. */
    timeToFirstByteMs: number | null;
    bytes: number;
    /** Playing time of the audio that arrived, in seconds. */
    audioSeconds: number;
    /** Connections that had brought audio and were lost. */
    disconnects: number;
    /** Attempts that brought no audio. */
    failedAttempts: number;
    /** In order; the last one is the present one. */
    connections: Connection[];
    /** Time with nothing to play after playing began, in seconds. */
    gapSeconds: number;
    gaps: Gap[];
    buffer: {
        /** After the burst at the beginning, in seconds; null before. */
        filledSeconds: number | null;
        /** Lowest level after that, in seconds; null before. */
        lowestSeconds: number | null;
        nowSeconds: number;
        /** Highest level within the last second, which the rhythm of arriving audio does not change. In seconds. */
        crestSeconds: number;
    };
    /** Longest time without a byte on one connection, in seconds. */
    longestPauseSeconds: number;
    /** Places where the stream breaks within a frame, as where a server switches between mounts. */
    joints: number;
    /** Bytes that are part of no whole frame. */
    skippedBytes: number;
    /** With `titles`: every title that came, in order. */
    titles: HeardTitle[];
    /** Whether the listener decodes; only then the rest is known. */
    decoded: boolean;
    timeline: HeardSource[];
    silences: HeardSilence[];
    longestSilenceMs: number;
    decoderErrors: number;
    lastDecoderError: string;
}

/** `14:03:21.4`, of the local clock. */
export function clock(at: number): string {
    const time = new Date(at);
    const two = (value: number): string => String(value).padStart(2, "0");
    const tenths = Math.floor(time.getMilliseconds() / 100);
    return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${tenths}`;
}

/** The state now, in one line that a terminal overwrites. */
export function progressLine(report: ListenReport): string {
    const heard = report.timeline.at(-1)?.source ?? (report.decoded ? "…" : "");
    return [
        `${report.seconds.toFixed(0)} s`,
        heard,
        `buffer ${report.buffer.nowSeconds.toFixed(1)} s`,
        `gaps ${report.gapSeconds.toFixed(1)} s`,
        `disconnects ${report.disconnects}`,
        report.connections.at(-1)?.url ?? "",
        report.connections.at(-1)?.address ?? "",
    ]
        .filter((part) => part !== "")
        .join(" · ");
}

/** The report for a person. */
export function describeReport(report: ListenReport): string {
    const seconds = (value: number | null): string => (value === null ? "–" : `${value.toFixed(1)} s`);
    const rows: [string, string][] = [
        ["time to first byte", report.timeToFirstByteMs === null ? "–" : `${report.timeToFirstByteMs} ms`],
        [
            "received",
            `${report.bytes} bytes, ${seconds(report.audioSeconds)} of audio in ${seconds(report.seconds)}`,
        ],
        ["disconnects", `${report.disconnects} (${report.failedAttempts} attempts without audio)`],
        ["gaps", `${seconds(report.gapSeconds)} in ${report.gaps.length}`],
        [
            "buffer",
            `filled to ${seconds(report.buffer.filledSeconds)}, lowest ${seconds(report.buffer.lowestSeconds)}`,
        ],
        ["longest pause", seconds(report.longestPauseSeconds)],
        ["joints", `${report.joints}, ${report.skippedBytes} bytes skipped`],
    ];
    if (report.decoded) {
        rows.push(["longest silence", `${report.longestSilenceMs} ms`]);
    }
    const lines = rows.map(([name, value]) => `${name.padEnd(20)}${value}`);
    for (const connection of report.connections) {
        const end = connection.ended
            ? `${connection.ended.reason} at ${clock(connection.ended.at)}`
            : "to the end";
        const place = connection.address === undefined ? "" : ` (${connection.address})`;
        lines.push(`${"connection".padEnd(20)}${clock(connection.at)} ${connection.url}${place}, ${end}`);
    }
    lines.push(...describeTimeline(report));
    return lines.join("\n");
}

/** The timeline, the titles and the silences, a line each. */
export function describeTimeline(report: ListenReport): string[] {
    const heard = report.timeline.map(
        ({ source, arrivedAt, mediaSeconds, seconds }) =>
            `${"heard".padEnd(20)}${clock(arrivedAt)} at ${mediaSeconds.toFixed(1)} s: ${source}, ${seconds.toFixed(1)} s`,
    );
    const silent = report.silences
        .filter(({ milliseconds }) => milliseconds >= 100)
        .map(
            ({ arrivedAt, mediaSeconds, milliseconds }) =>
                `${"silence".padEnd(20)}${clock(arrivedAt)} at ${mediaSeconds.toFixed(1)} s: ${milliseconds} ms`,
        );
    const titled = report.titles.map(
        ({ title, arrivedAt, mediaSeconds }) =>
            `${"title".padEnd(20)}${clock(arrivedAt)} at ${mediaSeconds.toFixed(1)} s: ${JSON.stringify(title)}`,
    );
    return [...heard, ...titled, ...silent];
}
