import type { Command } from "commander";

import { loseDroplet } from "../digitalocean/droplet";

export function register(program: Command): void {
    program
        .command("lose")
        .description("delete a droplet as in the provider's web page, which Pulumi is not told of")
        .argument("<machine>", "name of a droplet, as `status` shows it")
        .action(async (name: string) => {
            await loseDroplet(name);
            console.log(
                `${name} is gone, and Pulumi does not know: \`npm run lab -- up\` sees nothing, with \`--refresh\` it ` +
                    `makes the machine anew (docs/runbooks/lost-machine.md)`,
            );
        });
}
