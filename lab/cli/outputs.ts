import type { Command } from "commander";

import { stackOutputs } from "../engine/outputs";

export function register(program: Command): void {
    program
        .command("outputs")
        .description("show the stack's outputs: addresses, mounts, and with --json the sources' passwords")
        .option("--json", "with secrets in clear: all that an encoder and a player need")
        .action(async ({ json }: { json?: boolean }) => {
            const outputs = await stackOutputs({ secrets: json ?? false });
            if (outputs === undefined) {
                throw new Error("there is no station here (npm run lab -- up)");
            }
            console.log(JSON.stringify(outputs, null, 2));
        });
}
