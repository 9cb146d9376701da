import { Command } from "commander";

import { runStudioSheet, type SheetOptions } from "./studioSheet/run";

new Command("studio-sheet")
    .description(
        "Writes one page for the studio: what to type into an encoder, where listeners play, where shows go, whom to call; " +
            "and ready settings for BUTT and Liquidsoap. Reads the stack's outputs.",
    )
    .usage("--stack <name> [options]   (npm run studio-sheet -- --stack prod)")
    .option("--stack <name>", "asks `pulumi stack output` for the outputs of this stack")
    .option("--outputs <file>", "reads outputs as JSON from this file instead; - for standard input")
    .option(
        "--source <name>",
        "only this source, such as studio, for those who use no other; repeat it for more",
        (name: string, others: string[]) => [...others, name],
        [],
    )
    .option("--out <folder>", "where files go", "studio-sheet")
    .option(
        "--show-secrets",
        "writes passwords, too; without it, there is room to fill them in by hand",
        false,
    )
    .option("--pdf", "writes the page as PDF, too, by Chromium", false)
    .option(
        "--call <who>",
        'whom to call, such as "Anna, engineer: +49 30 1234567"; repeat it for more',
        (who: string, others: string[]) => [...others, who],
        [],
    )
    .addHelpText(
        "after",
        [
            "\nFiles: sheet.html, to print on A4 or Letter; butt/<channel>-<source>.buttrc, for BUTT's `Import settings`;",
            "liquidsoap/<channel>-<source>.liq. With --show-secrets they are readable for you only: they let anybody on air.",
        ].join("\n"),
    )
    .action(async (options: SheetOptions) => {
        for (const file of await runStudioSheet(options)) {
            console.log(file);
        }
    })
    .parseAsync()
    .catch((error: unknown) => {
        console.error(`studio-sheet: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
    });
