import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

import { checkout, labPath, shortHash } from "../paths";
import { inImage } from "../machines/image";
import { sourceTones } from "./tones";

export interface SourceAudio {
    channel: string;
    source: string;
    /** Tone under the programme, in Hz; the table's for this source unless given. */
    tone?: number;
    /** An audio file instead of the spoken announcement; it gets a tone only if one is given. */
    file?: string;
}

/** The script that makes the machines' announcements; it also makes a source's. */
const announcer = join(checkout, "config-templates/machine/announcement/aerial-announcement.sh");

/**
 * The audio that a source plays in a loop, made once and kept in the lab's folder: a voice that names the source, over the
 * tone that identifies it; or a given file.
 *
 * @returns the path of an audio file.
 */
export async function sourceAudio({ channel, source, tone, file }: SourceAudio): Promise<string> {
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
    const key = file === undefined ? `${channel}-${source}` : `file-${shortHash(resolve(file), 8)}`;
    const name = `${key}-${hertz}.wav`;
    const target = join(folder, name);
    if (existsSync(target)) {
        return target;
    }
    // Made in a folder of its own: another process may make the same audio.
    const work = join(folder, `.${name}.${process.pid}`);
    mkdirSync(work, { recursive: true });
    try {
        if (file === undefined) {
            await announce(work, channel, source, hertz);
        } else {
            await mix(work, resolve(file), hertz);
        }
        renameSync(join(work, "out.wav"), target);
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
    return target;
}

async function announce(work: string, channel: string, source: string, hertz: number): Promise<void> {
    writeFileSync(
        join(work, "text"),
        `This is the ${source}, live on channel ${channel}. You are listening to the ${source}. ` +
            `Whatever happens elsewhere, the ${source} is on the air now.\n`,
    );
    await inImage(["sh", "/announcer", "/work/text", String(hertz), "/work/out.wav"], {
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
            ...["-map", "[out]", "/work/out.wav"],
        ],
        {
            binds: [
                { source: work, target: "/work", writable: true },
                { source: file, target: input },
            ],
        },
    );
}
