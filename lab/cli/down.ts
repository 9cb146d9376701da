import type { Command } from "commander";

import { removeLab } from "../machines/removeLab";
import { cacheFolder } from "../paths";

export function register(program: Command): void {
    program
        .command("down")
        .description("remove the lab: machines, processes, networks, mounts, and its folder; caches stay")
        .action(async () => {
            const removed = await removeLab();
            for (const what of removed) {
                console.log(`removed ${what}`);
            }
            console.log(
                removed.length === 0
                    ? "There is no lab on this workstation."
                    : `Caches stay in ${cacheFolder}`,
            );
        });
}
