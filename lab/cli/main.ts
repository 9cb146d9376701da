import { createRequire } from "node:module";

import { Command } from "commander";

/** A file of this folder, which adds one or more commands. */
interface CommandModule {
    register(program: Command): void;
}

/** The files of this folder with their commands, in the order of the help. */
const modules: Readonly<Record<string, readonly string[]>> = {
    up: ["up"],
    down: ["down"],
    status: ["status"],
    outputs: ["outputs"],
    source: ["source"],
    show: ["show"],
    listen: ["listen"],
    exec: ["exec"],
    lose: ["lose"],
    power: ["kill", "boot", "freeze", "thaw", "cut", "uncut"],
};

const load = createRequire(__filename);

/** Loads only the file of the given command: the engine's libraries take a second, and `kill` needs none of them. */
function registerCommands(program: Command, asked: string | undefined): void {
    const files = Object.keys(modules);
    const file = files.find((name) => asked !== undefined && modules[name]?.includes(asked));
    for (const name of file === undefined ? files : [file]) {
        const module = load(`./${name}`) as CommandModule;
        module.register(program);
    }
}

const program = new Command("lab")
    .description(
        "A whole station on this workstation: real machines, real audio, a network without a way out.",
    )
    .usage("<command> [options]   (npm run lab -- <command> [options])")
    // `exec` passes the options of the command that it runs.
    .enablePositionalOptions()
    .showHelpAfterError("(npm run lab -- --help)")
    .hook("preAction", (_, command) => {
        if (process.getuid?.() !== 0) {
            command.error(
                "The lab needs root, since it makes machines and networks in this workstation's kernel: use sudo.",
            );
        }
    });

registerCommands(program, process.argv[2]);

program.parseAsync().catch((error: unknown) => {
    console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
});
