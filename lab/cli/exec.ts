import type { Command } from "commander";

import { inCgroup } from "../workstation/cgroups";
import { runInForeground } from "../workstation/run";
import { findMachine, listMachines, machineCommand } from "../machines/machines";
import { awsRegions, regions, sites } from "../network/addresses";
import { ensureClient, ensureNetwork, inNamespace } from "../network/network";
import { callerFolder, labCgroup } from "../paths";

export function register(program: Command): void {
    program
        .command("exec")
        .description("run a command in a machine, or with the network and names of a listener or a source")
        .argument("<place>", `a machine, client-<region>, or ${Object.keys(sites).join(", ")}`)
        .argument("<command...>", "the command and its arguments, after --")
        .passThroughOptions()
        .addHelpText(
            "after",
            "\nIn a machine, the machine's own program runs as root. At the other places, this workstation's program runs with" +
                "\nthis workstation's files, and with the network and names of the lab.\n\nExamples:" +
                "\n  npm run lab -- exec master-a -- journalctl -n 20" +
                "\n  npm run lab -- exec client-ams3 -- curl -s http://198.18.0.10/healthz" +
                "\n  npm run lab -- exec studio -- getent ahostsv4 ingest.radio.test",
        )
        .action(async (place: string, command: string[]) => {
            // passThroughOptions also passes the separator.
            const argv = command[0] === "--" ? command.slice(1) : command;
            process.exitCode = await runInForeground(await commandAt(place, argv), callerFolder);
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
    // In the lab's cgroup, so that `down` ends it.
    return inCgroup(labCgroup("exec"), inNamespace(place, command));
}
