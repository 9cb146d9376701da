import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { execInMachine, findMachine } from "../../../lab/machines/machines";
import { inImage } from "../../../lab/machines/image";
import { labPath } from "../../../lab/paths";
import { droplets, volumes } from "../../../lab/digitalocean/records";
import { removeDroplet } from "../../../lab/digitalocean/droplet";
import { removeVolume } from "../../../lab/digitalocean/volume";
import { setLabMode } from "../../../lab/cloud/mode";
import { sourceAudio } from "../../../lab/radio/audio";

/** A show as it is made: its file, its content, and the SHA-256 of that. */
export interface Show {
    path: string;
    content: Buffer;
    sha256: string;
}

/** What the last run of a kind of `aerial-backup` left. */
export interface Outcome {
    healthy: boolean;
    figures: Record<string, number>;
    problems: { kind: string; path?: string }[];
}

/**
 * Makes shows: a voice over the tone of a source, as long as wanted.
 *
 * @param wanted by file name, whose ending is the format: the tone's source, and FFmpeg's options, such as its length.
 */
export async function makeShows(
    wanted: Record<string, { tone: string; options: string[] }>,
): Promise<Record<string, Show>> {
    const folder = labPath("audio", "shows");
    mkdirSync(folder, { recursive: true });
    const voices = new Map<string, string>();
    for (const { tone } of Object.values(wanted)) {
        voices.set(tone, await sourceAudio({ channel: "main", source: tone }));
    }
    await Promise.all(
        Object.entries(wanted).map(async ([name, { tone, options }]) => {
            const source = voices.get(tone) ?? "";
            const read = [
                "ffmpeg",
                "-nostdin",
                "-v",
                "error",
                "-y",
                "-stream_loop",
                "-1",
                "-i",
                "/voice.wav",
            ];
            await inImage([...read, ...options, `/shows/${name}`], {
                binds: [
                    { source, target: "/voice.wav" },
                    { source: folder, target: "/shows", writable: true },
                ],
            });
        }),
    );
    return Object.fromEntries(
        Object.keys(wanted).map((name) => {
            const path = join(folder, name);
            const content = readFileSync(path);
            return [name, { path, content, sha256: createHash("sha256").update(content).digest("hex") }];
        }),
    );
}

/** Airtime's machine, whichever it is at the moment, and its library of the channel. */
export class Playout {
    constructor(readonly library: string) {}

    get id(): string {
        return findMachine("airtime").id;
    }

    /** Runs a script there, as root; what it said, errors included. */
    async sh(script: string, allow: number[] | "any" = [0]): Promise<string> {
        const argv = ["bash", "-c", `set -eu; cd /; ${script}`];
        const { stdout, stderr } = await execInMachine(this.id, argv, { allow, timeoutSeconds: 100 });
        return stdout + stderr;
    }

    /** Puts a show into the library as the station's people do. It was made days ago, or just now. */
    async drop(path: string, { content }: Show, made = "3 days ago"): Promise<void> {
        const file = `${this.library}/${path}`;
        const script = `mkdir -p "$(dirname "$1")"; cat >"$1.part"; touch -d "$2" "$1.part"; mv "$1.part" "$1"`;
        const argv = ["runuser", "-u", "aerial", "--", "sh", "-euc", script, "sh", file, made];
        await execInMachine(this.id, argv, { stdin: content, timeoutSeconds: 60 });
    }

    /** How the last run of a kind ended. */
    async outcome(kind: string): Promise<Outcome> {
        return JSON.parse(await this.sh(`cat /var/lib/aerial/backup/${kind}.json`)) as Outcome;
    }

    /** All that is in the library, with its hash, size, time and owner. */
    contents(): Promise<string> {
        return this.sh(
            `cd ${this.library}; find . -type f -exec stat -c '%n %s %Y %U' {} + | sort; find . -type f -exec sha256sum {} + | sort`,
        );
    }

    /** What the database knows of shows, and what was played until a moment. */
    records(until: string): Promise<string> {
        const ask = (sql: string): string =>
            `runuser -u postgres -- psql -At airtime -c ${JSON.stringify(sql)}`;
        const columns = "id, name, mime, filepath, filesize, md5, track_title, length, mtime, import_status";
        return this.sh(
            `${ask(`select ${columns} from cc_files order by id`)}
            ${ask(`select id, file_id, starts from cc_playout_history where starts < '${until}' order by id`)}`,
        );
    }

    /** Its machine and its volume are gone from one moment to the next, with everything on them. */
    async destroy(): Promise<void> {
        setLabMode("machines");
        const droplet = droplets.get(this.id);
        const [volume] = volumes.all().filter(({ dropletId }) => dropletId === droplet?.id);
        if (!droplet || !volume) {
            throw new Error("the lab's cloud has no droplet airtime with a volume");
        }
        await removeDroplet(droplet.id);
        await removeVolume(volume.id);
    }
}

/** Shows that a Master keeps for emergencies, by its own word: their files, by the last part of their keys. */
export async function keptForEmergencies(master: string): Promise<Record<string, string>> {
    const { stdout } = await execInMachine(findMachine(master).id, ["aerial-emergency", "status"]);
    const told = JSON.parse(stdout) as {
        main: { shows: Record<string, number>; keys: Record<string, string> };
    };
    return Object.fromEntries(
        Object.keys(told.main.shows).map((file): [string, string] => {
            const [, path = ""] = (told.main.keys[file] ?? "").split("/main/");
            return [path, file];
        }),
    );
}

/** Has a Master look for emergency shows now, and not within ten minutes. */
export async function refreshEmergencies(master: string): Promise<void> {
    await execInMachine(findMachine(master).id, ["systemctl", "start", "aerial-emergency.service"], {
        timeoutSeconds: 90,
    });
}

/** Changes what is on a Master's disk where its emergency shows are, while it has no power. */
export function emergencyFiles(master: string): string[] {
    const folder = labPath("machines", findMachine(master).id, "root/var/lib/aerial/emergency/main");
    return readdirSync(folder).map((name) => join(folder, name));
}
