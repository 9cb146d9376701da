import type { Command } from "commander";

import { loseDroplet } from "../digitalocean/droplet";

export function register(program: Command): void {
    program
        .command("lose")
        .description("delete a droplet without Pulumi, as someone could in the provider's web page")
        .argument("<machine>", "name of a droplet, as `status` shows it")
        .action(async (name: string) => {
            await loseDroplet(name);
            console.log(
                `${name} is deleted, and Pulumi does not know: \`npm run lab -- up\` changes nothing, with \`--refresh\` it ` +
                    `makes the machine again (docs/runbooks/lost-machine.md)`,
            );
        });
}
