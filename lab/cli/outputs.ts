import type { Command } from "commander";

import { existingOutputs } from "../radio/station";

export function register(program: Command): void {
    program
        .command("outputs")
        .description("show the stack's outputs: addresses, mounts, and with --json the sources' passwords")
        .option("--json", "with secrets in clear: all that an encoder and a player need")
        .action(async ({ json }: { json?: boolean }) => {
            console.log(JSON.stringify(await existingOutputs(json ?? false), null, 2));
        });
}
