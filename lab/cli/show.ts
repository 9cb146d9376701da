import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";

import type { Command } from "commander";

import { execInMachine, findMachine } from "../machines/machines";
import { callerFolder } from "../paths";
import { sourceAudio } from "../radio/audio";
import { pick } from "../radio/outputs";
import { stationOutputs } from "../radio/station";

/** The machine of the playout. */
const host = "airtime";

/** Writes standard input into a file that appears only when it is whole. */
const whenWhole = 'mkdir -p "$(dirname "$1")"; cat >"$1.part"; mv "$1.part" "$1"';

export function register(program: Command): void {
    program
        .command("show")
        .description("put a show into the playout's library, as the station's people do by SFTP")
        .argument("<channel>", "channel, as the outputs name it")
        .argument("[file]", "audio of yours; a voice that says which source it is unless given")
        .option("--as <path>", "its path in the library; the file's name unless given")
        .addHelpText(
            "after",
            "\nIt is played at once, by the schedule or as a fill, and in the bucket of shows within a minute:" +
                `\n  npm run lab -- exec ${host} -- aerial-schedule show` +
                `\n  npm run lab -- exec ${host} -- aerial-backup status`,
        )
        .action(async (channel: string, file: string | undefined, options: { as?: string }) => {
            const { shows } = await stationOutputs();
            const library = pick(shows.libraries, "channel of the playout", channel);
            const source = file === undefined ? await sourceAudio({ channel, source: host }) : undefined;
            const from = source ?? resolve(callerFolder, file ?? "");
            const path = options.as ?? basename(from);
            if (path.split("/").includes("..") || path.startsWith("/")) {
                throw new Error(`--as ${path}: give a path below the library, such as morning/news.mp3`);
            }
            const argv = [
                "runuser",
                "-u",
                "aerial",
                "--",
                "sh",
                "-euc",
                whenWhole,
                "sh",
                `${library}/${path}`,
            ];
            await execInMachine(findMachine(host).id, argv, { stdin: readFileSync(from) });
            console.log(`${path} is in ${library} on ${host}.`);
        });
}
