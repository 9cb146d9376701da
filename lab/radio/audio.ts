import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

import { checkout, labPath, shortHash } from "../paths";
import { inImage } from "../machines/image";
import { speechText } from "./speech";
import { detectorRate, sourceTones } from "./tones";

export interface SourceAudio {
    channel: string;
    source: string;
    /** Tone under the programme, in Hz; the table's for this source unless given. */
    tone?: number;
    /** An audio file instead of the spoken announcement; it gets a tone only if one is given. */
    file?: string;
    /** About ten minutes of speech that never repeats, instead of the spoken announcement. */
    speech?: boolean;
}

/** The script that makes the machines' announcements; it also makes a source's. */
const announcer = join(checkout, "config-templates/machine/announcement/aerial-announcement.sh");

/**
 * The audio that a source plays in a loop, made once and kept in the lab's folder: a voice that names the source, over the
 * tone that identifies it; or a given file.
 *
 * @returns the path of an audio file.
 */
export async function sourceAudio({ channel, source, tone, file, speech }: SourceAudio): Promise<string> {
    if (file !== undefined && !existsSync(file)) {
        throw new Error(`there is no file ${file}`);
    }
    if (file !== undefined && tone === undefined) {
        return resolve(file);
    }
    const hertz = tone ?? sourceTones[source];
    if (hertz === undefined || !Number.isInteger(hertz) || hertz < 100 || hertz > 3800) {
        throw new Error(
            `${hertz === undefined ? `there is no tone for ${source}` : `${hertz} Hz is not a tone that can be recognised`}: ` +
                "use --tone with 100 to 3800 Hz",
        );
    }
    const folder = labPath("audio");
    const text = speech ? speechText(`${channel} ${source}`) : announcementOf(channel, source);
    const key =
        file === undefined
            ? `${channel}-${source}-${shortHash(text, 8)}`
            : `file-${shortHash(resolve(file), 8)}`;
    const name = `${key}-${hertz}.flac`;
    const target = join(folder, name);
    if (existsSync(target)) {
        return target;
    }
    // Made in a folder of its own: another process may make the same audio.
    const work = join(folder, `.${name}.${process.pid}`);
    mkdirSync(work, { recursive: true });
    try {
        if (file === undefined) {
            await announce(work, text, hertz);
        } else {
            await mix(work, resolve(file), hertz);
        }
        renameSync(join(work, "out.flac"), target);
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
    return target;
}

/** A side of stereo. */
export type Side = "left" | "right";

/** An audio file as a listener's decoder gives it: mono, or one side of stereo, at the detector's rate. */
export async function decodedAudio(file: string, side?: Side): Promise<Int16Array> {
    const one = side === undefined ? [] : ["-af", `pan=mono|c0=${side === "left" ? "FL" : "FR"}`];
    const work = mkdtempSync(labPath("audio", ".decoded-"));
    try {
        await inImage(
            [
                ...["ffmpeg", "-nostdin", "-v", "error", "-i", "/input"],
                ...[...one, "-ac", "1", "-ar", String(detectorRate), "-f", "s16le", "/work/samples"],
            ],
            {
                binds: [
                    { source: work, target: "/work", writable: true },
                    { source: file, target: "/input" },
                ],
            },
        );
        return samplesOf(readFileSync(join(work, "samples")));
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}

/** The samples of a recording (`PlayerOptions.recording`); half a sample at its end is left out. */
export function samplesOf(bytes: Buffer): Int16Array {
    return Int16Array.from({ length: bytes.length >> 1 }, (_, n) => bytes.readInt16LE(n * 2));
}

function announcementOf(channel: string, source: string): string {
    return (
        `This is the ${source}, live on channel ${channel}. You are listening to the ${source}. ` +
        `Whatever happens elsewhere, the ${source} is on the air now.\n`
    );
}

async function announce(work: string, text: string, hertz: number): Promise<void> {
    writeFileSync(join(work, "text"), text);
    await inImage(["sh", "/announcer", "/work/text", String(hertz), "/work/out.flac"], {
        binds: [
            { source: work, target: "/work", writable: true },
            { source: announcer, target: "/announcer" },
        ],
    });
}

async function mix(work: string, file: string, hertz: number): Promise<void> {
    const input = `/input/${basename(file)}`;
    await inImage(
        [
            ...["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", input],
            ...["-f", "lavfi", "-i", `aevalsrc=0.1*sin(2*PI*${hertz}*t):s=44100:c=mono`],
            "-filter_complex",
            "[0:a]aresample=44100,aformat=channel_layouts=mono[p];[p][1:a]amix=inputs=2:duration=first:normalize=0," +
                "alimiter=limit=0.9:level=false,pan=stereo|c0=c0|c1=c0[out]",
            ...["-map", "[out]", "/work/out.flac"],
        ],
        {
            binds: [
                { source: work, target: "/work", writable: true },
                { source: file, target: input },
            ],
        },
    );
}
