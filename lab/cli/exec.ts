import { spawn } from "node:child_process";

import type { Command } from "commander";

import { inCgroup } from "../workstation/cgroups";
import { exitCode } from "../workstation/run";
import { findMachine, listMachines, machineCommand } from "../machines/machines";
import { awsRegions, regions, sites } from "../network/addresses";
import { ensureClient, ensureNetwork, inNamespace } from "../network/network";
import { callerFolder, labCgroup } from "../paths";

export function register(program: Command): void {
    program
        .command("exec")
        .description("run a command in a machine, or with the network and names of a listener or a studio")
        .argument("<place>", `a machine, client-<region>, or ${Object.keys(sites).join(", ")}`)
        .argument("<command...>", "the command and its arguments, after --")
        .passThroughOptions()
        .addHelpText(
            "after",
            "\nIn a machine, a program of the machine runs as root. In the other places a program of this host runs," +
                "\nwith this host's files; its network is the lab's, and so are the names it finds.\n\nExamples:" +
                "\n  npm run lab -- exec master-a -- journalctl -n 20" +
                "\n  npm run lab -- exec client-ams3 -- curl -s http://198.18.0.10/healthz" +
                "\n  npm run lab -- exec studio -- getent ahostsv4 ingest.radio.test",
        )
        .action(async (place: string, command: string[]) => {
            // With options passed through, commander passes the separator as well.
            const argv = command[0] === "--" ? command.slice(1) : command;
            process.exitCode = await passThrough(await commandAt(place, argv));
        });
}

async function commandAt(place: string, command: string[]): Promise<string[]> {
    if (listMachines().some(({ name, id }) => name === place || id === place)) {
        return machineCommand(findMachine(place).id, command);
    }
    const region = [...regions, ...awsRegions].find((known) => place === `client-${known}`);
    if (region !== undefined) {
        await ensureClient(region);
    } else if (Object.keys(sites).includes(place)) {
        await ensureNetwork();
    } else {
        const machines = [...new Set(listMachines().map(({ name }) => name))];
        const places = [...machines, "client-<region>", ...Object.keys(sites)];
        throw new Error(`there is no place ${JSON.stringify(place)}; there are ${places.join(", ")}`);
    }
    // In the lab's cgroup, so that `down` ends it too.
    return inCgroup(labCgroup("exec"), inNamespace(place, command));
}

/** Runs a command with this process's own streams and returns its exit code. */
function passThrough(argv: string[]): Promise<number> {
    const [program = "", ...args] = argv;
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { stdio: "inherit", cwd: callerFolder });
        // Ctrl-C reaches the child by the terminal; this process waits for what it makes of it.
        process.on("SIGINT", () => undefined);
        process.on("SIGTERM", () => child.kill("SIGTERM"));
        child.on("error", reject);
        child.on("close", (code, signal) => resolve(exitCode(code, signal)));
    });
}
