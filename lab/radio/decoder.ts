import { spawn, type ChildProcessByStdio } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

import type { Codec } from "./frames";
import { detectorRate, ToneDetector, type Heard } from "./tones";

/** A source as a listener heard it. */
export interface HeardSource {
    source: Heard;
    /** When its first audio arrived, in milliseconds since 1970. */
    arrivedAt: number;
    /** Where it begins in the audio that this listener received, in seconds. */
    mediaSeconds: number;
    /** How long it lasts so far, in seconds. */
    seconds: number;
}

/** A hole in the audio itself; no buffer helps against it. */
export interface HeardSilence {
    arrivedAt: number;
    mediaSeconds: number;
    milliseconds: number;
}

/** How long a decoder may take for what it has been given, on a machine with much else to do. */
const endLimitMs = 30_000;

/** The ffmpeg command that decodes its input at once into samples for the tone detector. */
export function decoderArguments(codec: Codec): string[] {
    return [
        ...["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1"],
        ...["-fflags", "nobuffer", "-flags", "low_delay", "-probesize", "32", "-analyzeduration", "0"],
        ...["-f", codec, "-i", "pipe:0", "-ac", "1", "-ar", String(detectorRate), "-f", "s16le"],
        ...["-flush_packets", "1", "pipe:1"],
    ];
}

/**
 * Decodes whole frames with a real decoder and tells the sources apart.
 *
 * Media positions count decoded samples. ffmpeg returns as many samples as the frames have, even for frames that it
 * cannot decode. So each position leads back to the moment when its bytes arrived.
 */
export class Decoder {
    private readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
    private readonly detector: ToneDetector;
    private readonly arrivals: { mediaSeconds: number; at: number }[] = [];
    private odd: Buffer = Buffer.alloc(0);
    /** Descriptor of the recording's file. */
    private readonly recording: number | undefined;
    private readonly ended: Promise<void>;
    /** Complaints of the decoder: frames it could not decode whole. */
    errors = 0;
    /** Its last complaint. */
    lastError = "";

    /**
     * @param command the whole command line, see {@link decoderArguments}.
     * @param options.tones those to recognise.
     * @param options.recording file that gets the decoded samples as they come.
     */
    constructor(
        command: readonly string[],
        { tones, recording }: { tones?: Readonly<Record<string, number>>; recording?: string } = {},
    ) {
        this.detector = new ToneDetector(tones);
        this.recording = recording === undefined ? undefined : openSync(recording, "w");
        const [program = "", ...args] = command;
        this.process = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
        this.process.stdin.on("error", () => undefined);
        this.process.stdout.on("data", (data: Buffer) => this.take(data));
        this.process.stderr.on("data", (data: Buffer) => {
            const lines = data.toString("utf8").trim().split("\n");
            this.errors += lines.length;
            this.lastError = lines.at(-1) ?? "";
        });
        this.ended = new Promise((resolve) => {
            this.process.on("close", () => resolve());
            this.process.on("error", (error) => {
                this.errors++;
                this.lastError = error.message;
                resolve();
            });
        });
    }

    /** Whole frames that arrived at a moment; `mediaSeconds` is the position of their end. */
    push(frames: Buffer, mediaSeconds: number, at: number): void {
        this.arrivals.push({ mediaSeconds, at });
        this.process.stdin.write(frames);
    }

    /** Decodes what is left and ends. */
    async end(): Promise<void> {
        this.process.stdin.end();
        const limit = setTimeout(() => this.process.kill("SIGKILL"), endLimitMs);
        await this.ended;
        clearTimeout(limit);
        if (this.recording !== undefined) {
            closeSync(this.recording);
        }
    }

    /** The sources heard so far, in order. */
    timeline(): HeardSource[] {
        return this.detector.timeline.map(({ source, from }, index, all) => ({
            source,
            arrivedAt: this.arrivalOf(from),
            mediaSeconds: from,
            seconds: (all[index + 1]?.from ?? this.detector.position) - from,
        }));
    }

    silences(): HeardSilence[] {
        return this.detector.silences.map(({ from, seconds }) => ({
            arrivedAt: this.arrivalOf(from),
            mediaSeconds: from,
            milliseconds: Math.round(seconds * 1000),
        }));
    }

    private take(data: Buffer): void {
        if (this.recording !== undefined) {
            writeSync(this.recording, data);
        }
        const all = this.odd.length === 0 ? data : Buffer.concat([this.odd, data]);
        const samples = new Int16Array(all.length >> 1);
        for (let n = 0; n < samples.length; n++) {
            samples[n] = all.readInt16LE(n * 2);
        }
        this.odd = Buffer.from(all.subarray(samples.length * 2));
        this.detector.push(samples);
    }

    /** When the bytes at a media position arrived. */
    private arrivalOf(mediaSeconds: number): number {
        let low = 0;
        let high = this.arrivals.length - 1;
        while (low < high) {
            const middle = (low + high) >> 1;
            if ((this.arrivals[middle]?.mediaSeconds ?? 0) > mediaSeconds) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return this.arrivals[low]?.at ?? 0;
    }
}
