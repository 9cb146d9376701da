import { createRequire } from "node:module";

import { Command } from "commander";

/** A file of this folder: it adds its command, or a few of a kind. */
interface CommandModule {
    register(program: Command): void;
}

/** The files of this folder, and the commands each brings. Their order is that of the help. */
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

/** Only what was asked for is loaded: the engine's libraries alone take a second, which `kill` need not wait for. */
function registerCommands(program: Command, asked: string | undefined): void {
    const files = Object.keys(modules);
    const file = files.find((name) => asked !== undefined && modules[name]?.includes(asked));
    for (const name of file === undefined ? files : [file]) {
        const module = load(`./${name}`) as CommandModule;
        module.register(program);
    }
}

const program = new Command("lab")
    .description("A whole station on this machine: real machines, real audio, a network with no way out.")
    .usage("<command> [options]   (npm run lab -- <command> [options])")
    // So that `exec` passes the options of what it runs.
    .enablePositionalOptions()
    .showHelpAfterError("(npm run lab -- --help)")
    .hook("preAction", (_, command) => {
        if (process.getuid?.() !== 0) {
            command.error(
                "The lab makes machines and networks of this host's kernel, so it needs root: use sudo.",
            );
        }
    });

registerCommands(program, process.argv[2]);

program.parseAsync().catch((error: unknown) => {
    console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
});
