import { Command } from "commander";

import * as down from "./down";
import * as exec from "./exec";
import * as power from "./power";
import * as status from "./status";

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

for (const command of [down, status, exec, power]) {
    command.register(program);
}

program.parseAsync().catch((error: unknown) => {
    console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
});
