import type { Command } from "commander";

import { ensureAcme } from "../acme";
import { ensureDns } from "../cloudflare/dns/server";
import { enginePath } from "../engine/command";
import { operateAsOperator } from "../engine/run";
import { stackOutputs } from "../engine/outputs";
import { rememberStackFile, stackFile } from "../engine/stackFile";
import { ensureImage } from "../machines/image";
import { listMachines } from "../machines/machines";
import { runInForeground } from "../workstation/run";
import { openPortForward } from "../network/portForward";
import { listenPort } from "../paths";
import { parseOutputs, type StationOutputs } from "../radio/outputs";
import { resumeStorage } from "../amazon/storage";

interface UpOptions {
    preview?: boolean;
    refresh?: boolean;
    replace?: string[];
    stackFile?: string;
}

export function register(program: Command): void {
    program
        .command("up")
        .description("put the station on air, or update it to its program and settings")
        .option("--preview", "only show what would change")
        .option("--refresh", "first compare with what the cloud still has, and make again what is missing")
        .option("--replace <machines...>", "replace these droplets, even without a change")
        .option(
            "--stack-file <file>",
            "settings instead of Pulumi.lab.yaml, until another file is given or the lab goes down",
        )
        .action(async (options: UpOptions) => {
            const started = Date.now();
            const settings = stackFile(options.stackFile);
            await enginePath();
            await ensureImage((line) => console.log(line));
            await ensureDns();
            if (!options.preview) {
                // Before any machine is made, since the authority's root goes onto its disk.
                await ensureAcme();
                await resumeStorage();
                rememberStackFile(settings);
            }
            console.log(
                options.preview
                    ? "The engine compares the station with its program."
                    : "The engine builds the station.",
            );
            const succeeded = await operateAsOperator({
                operation: options.preview ? "preview" : "up",
                refresh: options.refresh,
                replace: options.replace,
                stack: "lab",
                mode: "machines",
                stackFile: settings,
            });
            const seconds = ((Date.now() - started) / 1000).toFixed(0);
            if (!succeeded) {
                console.error(
                    `Not up (${seconds} s). The errors are above; correct them and repeat the command.`,
                );
                process.exitCode = 1;
                return;
            }
            if (options.preview) {
                return;
            }
            const outputs = parseOutputs(await stackOutputs());
            const { hostname, port } = firstRelay(outputs);
            await openPortForward(listenPort, { address: hostname, port: Number(port || 80) });
            console.log(`Up after ${seconds} s.\n`);
            await showStatus();
            warnOfLost(outputs);
            console.log(`\n${howToListen(outputs)}`);
            await showStatusPage(outputs);
        });
}

/** The first Relay of the first region, which players of the workstation hear. */
function firstRelay(outputs: StationOutputs): URL {
    const [base] = Object.values(outputs.listen).flat();
    if (base === undefined) {
        throw new Error("the station has no Relay to listen to");
    }
    return new URL(base);
}

/** Pulumi compares the program with its state; only a refresh shows it that a machine is gone. */
function warnOfLost({ machines }: StationOutputs): void {
    const present = listMachines().map(({ name }) => name);
    const lost = Object.keys(machines).filter((name) => !present.includes(name));
    if (lost.length > 0) {
        console.log(
            `\nThe state has machines that are gone: ${lost.join(", ")}. ` +
                `To make them again: npm run lab -- up --refresh (docs/runbooks/lost-machine.md)`,
        );
    }
}

/** Runs the status command, in a process of its own: it may not fail this one. */
async function showStatus(): Promise<void> {
    const [script = ""] = process.argv.slice(1);
    await runInForeground([process.execPath, ...process.execArgv, script, "status"]);
}

/** Opens the status page to the workstation's browsers, at the port after that of the streams. */
async function showStatusPage({ status, machines }: StationOutputs): Promise<void> {
    const address = machines.monitoring?.address;
    if (status === undefined || address === undefined) {
        return;
    }
    const port = listenPort + 1;
    try {
        await openPortForward(port, { address, port: 443 });
        console.log(
            `\nStatus page: https://127.0.0.1:${port}/   (${status}; its certificate is the lab's, of which browsers warn)`,
        );
    } catch (error) {
        // No reason to call the station not up.
        console.log(
            `\nStatus page: not at port ${port}: ${error instanceof Error ? error.message : String(error)}`,
        );
    }
}

function howToListen(outputs: StationOutputs): string {
    const streams = Object.entries(outputs.channels).flatMap(([id, { title, formats }]) => {
        const urls = formats.map(({ mount }) => `    http://127.0.0.1:${listenPort}${mount}`);
        return [`  ${title} (${id})`, ...urls];
    });
    const [channel = "main"] = Object.keys(outputs.channels);
    const sources = Object.keys(outputs.ingest.sources[channel] ?? {});
    const source = sources.includes("studio") ? "studio" : (sources[0] ?? "studio");
    return [
        "Listen on this workstation:",
        ...streams,
        "",
        `Put a source on air:   npm run lab -- source ${channel} ${source} start`,
        `Hear what is on air:   npm run lab -- listen ${channel}`,
    ].join("\n");
}
