import { spawnSync } from "node:child_process";

import type { Command } from "commander";

import { ensureAcme } from "../acme";
import { ensureDns } from "../cloudflare/dns/server";
import { enginePath } from "../engine/command";
import { operateAsOperator } from "../engine/run";
import { stackOutputs } from "../engine/outputs";
import { rememberStackFile, stackFile } from "../engine/stackFile";
import { ensureImage } from "../machines/image";
import { listMachines } from "../machines/machines";
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
        .description("put the station on air, or bring it in line with its program and settings")
        .option("--preview", "only show what it would do")
        .option("--refresh", "look first at what the cloud still has, and make anew what is gone")
        .option("--replace <machines...>", "make these droplets anew, changed or not")
        .option(
            "--stack-file <file>",
            "settings instead of Pulumi.lab.yaml; the lab keeps to them until others are given or it goes down",
        )
        .action(async (options: UpOptions) => {
            const started = Date.now();
            const settings = stackFile(options.stackFile);
            await enginePath();
            await ensureImage((line) => console.log(line));
            await ensureDns();
            if (!options.preview) {
                // Before any machine: their disks are made with the authority's root.
                await ensureAcme();
                await resumeStorage();
                rememberStackFile(settings);
            }
            console.log(
                options.preview
                    ? "The engine compares station and machines."
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
                    `Not up (${seconds} s). The reasons are above; after a remedy, repeat the command.`,
                );
                process.exitCode = 1;
                return;
            }
            if (options.preview) {
                return;
            }
            const outputs = parseOutputs(await stackOutputs());
            await openDoorToStation(outputs);
            console.log(`Up after ${seconds} s.\n`);
            showStatus();
            warnOfLost(outputs);
            console.log(`\n${howToListen(outputs)}`);
        });
}

/** The first Relay of the first region: what the host's own players hear. */
function firstRelay(outputs: StationOutputs): URL {
    const [base] = Object.values(outputs.listen).flat();
    if (base === undefined) {
        throw new Error("the station has no Relay to listen to");
    }
    return new URL(base);
}

async function openDoorToStation(outputs: StationOutputs): Promise<void> {
    const { hostname, port } = firstRelay(outputs);
    await openPortForward(listenPort, { address: hostname, port: port === "" ? 80 : Number(port) });
}

/** Pulumi compares the program with its state. That a machine is gone, it learns by a refresh only. */
function warnOfLost({ machines }: StationOutputs): void {
    const present = listMachines().map(({ name }) => name);
    const lost = Object.keys(machines).filter((name) => !present.includes(name));
    if (lost.length > 0) {
        console.log(
            `\nThe state has machines that are gone: ${lost.join(", ")}. ` +
                `To make them anew: npm run lab -- up --refresh (docs/runbooks/lost-machine.md)`,
        );
    }
}

/** The status command tells it best. */
function showStatus(): void {
    const [script = ""] = process.argv.slice(1);
    spawnSync(process.execPath, [...process.execArgv, script, "status"], { stdio: "inherit" });
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
        "Listen on this machine:",
        ...streams,
        "",
        `Put a source on air:   npm run lab -- source ${channel} ${source} start`,
        `Hear what is on air:   npm run lab -- listen ${channel}`,
    ].join("\n");
}
