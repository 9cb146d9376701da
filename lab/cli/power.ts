import { Option, type Command } from "commander";

import {
    bootMachine,
    cutMachine,
    findMachine,
    freezeMachine,
    killMachine,
    thawMachine,
    uncutMachine,
} from "../machines/machines";

/** What can happen to a machine from outside. */
const commands: { name: string; description: string; act: (id: string) => Promise<void>; done: string }[] = [
    { name: "kill", description: "take a machine's power at once", act: killMachine, done: "has no power" },
    { name: "boot", description: "give a machine its power back", act: bootMachine, done: "boots" },
    { name: "freeze", description: "stop a machine's processes", act: freezeMachine, done: "is frozen" },
    { name: "thaw", description: "let a frozen machine go on", act: thawMachine, done: "goes on" },
    { name: "uncut", description: "undo cut", act: uncutMachine, done: "is on the network" },
];

export function register(program: Command): void {
    for (const { name, description, act, done } of commands) {
        program
            .command(name)
            .description(description)
            .argument("<machine>", "name of a machine, as `status` shows it")
            .action(async (machineName: string) => {
                const machine = findMachine(machineName);
                await act(machine.id);
                console.log(`${machine.name} ${done}`);
            });
    }
    program
        .command("cut")
        .description("cut a machine off the network")
        .argument("<machine>", "name of a machine, as `status` shows it")
        .addOption(
            new Option("--only <direction>", "lose only what it sends, or what it would receive").choices([
                "sent",
                "received",
            ]),
        )
        .action(async (machineName: string, { only }: { only?: "sent" | "received" }) => {
            const machine = findMachine(machineName);
            await cutMachine(machine.id, only);
            console.log(
                `${machine.name} is cut off the network${only === undefined ? "" : `: what is ${only} is lost`}`,
            );
        });
}
