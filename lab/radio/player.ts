import { get as getPlain, type ClientRequest, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";

import { Decoder } from "./decoder";
import { FrameCutter, type Codec } from "./frames";
import { IcyReader } from "./icy";
import { Playback } from "./playback";
import type { Connection, HeardTitle, ListenReport } from "./report";

export interface PlayerOptions {
    /** Where to listen, the preferred URL first. When one fails, the player goes to the next. */
    urls: string[];
    /** An M3U playlist to fetch first: its URLs are used in place of `urls`. */
    playlist?: string;
    /** The only trusted roots for https, as PEM; those of Node.js unless given. */
    ca?: string;
    codec: Codec;
    /** What it says that it is (User-Agent); `aerial-listen` unless given, which listener figures leave out. */
    player?: string;
    /**
     * Audio that must have arrived before playing begins, and again after a gap, in seconds; 0.5 unless given. Icecast's
     * burst brings it at once.
     */
    prebufferSeconds?: number;
    /** A player with an empty buffer leaves a connection that brings nothing for this time, in seconds; 2 unless given. */
    stallSeconds?: number;
    /** Command line of a decoder, by which sources are told apart. Without it, only frames are counted. */
    decoder?: string[];
    /** Asks for titles in the stream, and tells them in the report. */
    titles?: boolean;
    /** File that gets the decoded audio: 16 bits, mono, 8,000 samples a second. Only with a decoder. */
    recording?: string;
    /** Tones to recognise, by name; those of the lab's sources unless given. */
    tones?: Record<string, number>;
}

const connectLimitMs = 3000;
/** Pause after every URL has failed in a row, so that no server gets too many requests. */
const roundPauseMs = 500;

type Receive = (
    response: IncomingMessage,
    connection: Connection,
    limit: NodeJS.Timeout,
    end: (reason: string) => void,
) => void;

/** The URLs of an M3U playlist, in its order. */
export function parsePlaylist(text: string): string[] {
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/**
 * A listener's player: one HTTP connection, a buffer that empties in real time, and reconnection as in real players. It
 * runs in the network namespace of its process.
 */
export class Player {
    private readonly codec: Codec;
    private readonly playback: Playback;
    private readonly cutter: FrameCutter;
    private readonly decoder: Decoder | undefined;
    private readonly connections: Connection[] = [];
    private readonly titles: HeardTitle[] = [];
    private readonly startedAt = Date.now();
    private readonly ticker: NodeJS.Timeout;
    private request: ClientRequest | undefined;
    private retry: NodeJS.Timeout | undefined;
    private urls: string[];
    private next = 0;
    private failuresInARow = 0;
    private lastByteAt = 0;
    private longestPauseMs = 0;
    private stoppedAt: number | undefined;

    constructor(private readonly options: PlayerOptions) {
        if (options.urls.length === 0 && options.playlist === undefined) {
            throw new Error("a player needs a URL to listen to");
        }
        this.urls = options.urls;
        this.codec = options.codec;
        this.playback = new Playback(options.prebufferSeconds ?? 0.5);
        this.cutter = new FrameCutter(options.codec);
        this.decoder = options.decoder && new Decoder(options.decoder, options);
        this.ticker = setInterval(() => this.tick(), 50);
        if (options.playlist === undefined) {
            this.connect();
        } else {
            this.fetchPlaylist(options.playlist);
        }
    }

    /** Ends listening, and returns the report. */
    async stop(): Promise<ListenReport> {
        if (this.stoppedAt === undefined) {
            this.tick();
            this.stoppedAt = Date.now();
            clearInterval(this.ticker);
            clearTimeout(this.retry);
            this.request?.destroy();
            await this.decoder?.end();
        }
        return this.report();
    }

    report(): ListenReport {
        const ended = this.stoppedAt ?? Date.now();
        const brought = this.connections.filter((connection) => connection.bytes > 0);
        const silences = this.decoder?.silences() ?? [];
        const pause = this.stoppedAt === undefined && this.lastByteAt > 0 ? Date.now() - this.lastByteAt : 0;
        return {
            codec: this.codec,
            startedAt: this.startedAt,
            seconds: (ended - this.startedAt) / 1000,
            timeToFirstByteMs: brought[0]?.firstByteMs ?? null,
            bytes: brought.reduce((sum, connection) => sum + connection.bytes, 0),
            audioSeconds: this.cutter.seconds,
            disconnects: brought.filter((connection) => connection.ended).length,
            failedAttempts: this.connections.filter(({ ended, bytes }) => ended && bytes === 0).length,
            connections: this.connections.map((connection) => ({ ...connection })),
            gapSeconds: this.playback.gapSeconds,
            gaps: this.playback.gaps.map((gap) => ({ ...gap })),
            buffer: {
                filledSeconds: this.playback.filled ?? null,
                lowestSeconds: this.playback.lowest ?? null,
                nowSeconds: this.playback.level,
                crestSeconds: this.playback.crest,
            },
            longestPauseSeconds: Math.max(this.longestPauseMs, pause) / 1000,
            joints: this.cutter.joints,
            skippedBytes: this.cutter.skippedBytes,
            titles: [...this.titles],
            decoded: this.decoder !== undefined,
            timeline: this.decoder?.timeline() ?? [],
            silences,
            longestSilenceMs: Math.max(0, ...silences.map(({ milliseconds }) => milliseconds)),
            decoderErrors: this.decoder?.errors ?? 0,
            lastDecoderError: this.decoder?.lastError ?? "",
        };
    }

    private tick(): void {
        this.playback.advance(Date.now());
        const stalled = this.playback.emptySeconds > (this.options.stallSeconds ?? 2);
        const waited = Date.now() - Math.max(this.lastByteAt, this.connections.at(-1)?.at ?? 0);
        if (stalled && this.lastByteAt > 0 && waited > (this.options.stallSeconds ?? 2) * 1000) {
            this.request?.destroy(new Error("stalled"));
        }
    }

    private connect(): void {
        this.lastByteAt = 0;
        this.cutter.restart();
        this.open(
            this.urls[this.next % this.urls.length] ?? "",
            (connection) => this.lost(connection),
            this.receive,
        );
    }

    /** Fetches the playlist, again and again until that succeeds, then begins with its first URL. */
    private fetchPlaylist(playlist: string): void {
        const again = (): void => {
            this.retry = setTimeout(() => this.fetchPlaylist(playlist), roundPauseMs);
        };
        this.open(playlist, again, (response, connection, limit, end) => {
            const text: Buffer[] = [];
            response.on("data", (data: Buffer) => text.push(data));
            response.on("error", (error) => end(error.message));
            response.on("end", () => {
                this.urls = parsePlaylist(Buffer.concat(text).toString("utf8"));
                if (this.urls.length === 0) {
                    end("the playlist has no URL");
                    return;
                }
                clearTimeout(limit);
                // The report lists connections for audio; of those for playlists, only the failed ones.
                this.connections.splice(this.connections.indexOf(connection), 1);
                this.connect();
            });
        });
    }

    /** One request. The system looks up the name again each time, and tries all of its addresses in turn. */
    private open(url: string, failed: (connection: Connection) => void, receive: Receive): void {
        const connection: Connection = { url, at: Date.now(), bytes: 0 };
        this.connections.push(connection);
        const headers = {
            "User-Agent": this.options.player ?? "aerial-listen",
            Accept: "*/*",
            ...(this.options.titles ? { "Icy-MetaData": "1" } : {}),
        };
        const request = url.startsWith("https:")
            ? getSecure(url, { agent: false, headers, ca: this.options.ca })
            : getPlain(url, { agent: false, headers });
        this.request = request;
        const limit = setTimeout(() => request.destroy(new Error("no answer")), connectLimitMs);
        const end = (reason: string): void => {
            clearTimeout(limit);
            if (this.stoppedAt === undefined && connection.ended === undefined) {
                connection.ended = { at: Date.now(), reason };
                failed(connection);
            }
        };
        request.on("error", (error) => end(error.message));
        request.on("response", (response) => {
            connection.address = response.socket.remoteAddress;
            if (response.statusCode !== 200) {
                response.destroy();
                end(`HTTP ${response.statusCode}`);
                return;
            }
            receive(response, connection, limit, end);
        });
    }

    private readonly receive: Receive = (response, connection, limit, end) => {
        const interval = response.headers["icy-metaint"];
        const reader = interval === undefined ? undefined : new IcyReader(Number(interval));
        response.on("data", (data: Buffer) => {
            const now = Date.now();
            if (this.lastByteAt === 0) {
                clearTimeout(limit);
                connection.firstByteMs = now - connection.at;
                this.failuresInARow = 0;
            } else {
                this.longestPauseMs = Math.max(this.longestPauseMs, now - this.lastByteAt);
            }
            this.lastByteAt = now;
            connection.bytes += data.length;
            for (const part of reader?.push(data) ?? [{ audio: data }]) {
                if ("title" in part) {
                    const mediaSeconds = this.cutter.seconds;
                    this.titles.push({ title: part.title, mediaSeconds, arrivedAt: now });
                } else {
                    this.hear(part.audio, now);
                }
            }
        });
        response.on("error", (error) => end(error.message));
        response.on("end", () => end("closed by the server"));
        response.on("close", () => end("closed"));
    };

    private hear(audio: Buffer, now: number): void {
        const frames = this.cutter.push(audio);
        if (frames.seconds > 0) {
            this.playback.arrive(now, frames.seconds);
            this.decoder?.push(frames.data, this.cutter.seconds, now);
        }
    }

    /** Tries the next URL: at once after a loss, after a pause when all have failed in a row. */
    private lost(connection: Connection): void {
        this.next++;
        this.failuresInARow = connection.bytes > 0 ? 0 : this.failuresInARow + 1;
        const wait = this.failuresInARow >= this.urls.length ? roundPauseMs : 0;
        this.retry = setTimeout(() => this.connect(), wait);
    }
}
