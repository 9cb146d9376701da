import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";

import type { Command } from "commander";

import { execInMachine, findMachine } from "../machines/machines";
import { callerFolder } from "../paths";
import { sourceAudio } from "../radio/audio";
import { pick } from "../radio/outputs";
import { stationOutputs } from "../radio/station";

/** The playout's machine. */
const playout = "airtime";

/** Writes standard input into a file that appears only when it is complete. */
const whenWhole = 'mkdir -p "$(dirname "$1")"; cat >"$1.part"; mv "$1.part" "$1"';

export function register(program: Command): void {
    program
        .command("show")
        .description("copy a show into the playout's library, as the station's people do by SFTP")
        .argument("<channel>", "channel, by its name in the outputs")
        .argument("[file]", "an audio file; without one, a voice that names the source")
        .option("--as <path>", "path in the library (default: the file's name)")
        .addHelpText(
            "after",
            "\nThe playout can play it at once, by its schedule or between shows. Within a minute it is in the bucket of shows:" +
                `\n  npm run lab -- exec ${playout} -- aerial-schedule show` +
                `\n  npm run lab -- exec ${playout} -- aerial-backup status`,
        )
        .action(async (channel: string, file: string | undefined, options: { as?: string }) => {
            const { shows } = await stationOutputs();
            const library = pick(shows.libraries, "channel of the playout", channel);
            const source = file === undefined ? await sourceAudio({ channel, source: playout }) : undefined;
            const from = source ?? resolve(callerFolder, file ?? "");
            const path = options.as ?? basename(from);
            if (path.split("/").includes("..") || path.startsWith("/")) {
                throw new Error(`--as ${path}: give a path below the library, such as morning/news.mp3`);
            }
            const asAerial = ["runuser", "-u", "aerial", "--"];
            const argv = [...asAerial, "sh", "-euc", whenWhole, "sh", `${library}/${path}`];
            await execInMachine(findMachine(playout).id, argv, { stdin: readFileSync(from) });
            console.log(`${path} is in ${library} on ${playout}.`);
        });
}
