import { Command, InvalidArgumentError } from "commander";

import { readListeners, type AskedListeners } from "./plan/listeners";
import { runPlan, type PlanOptions } from "./plan/run";

new Command("plan")
    .description(
        "Plans a station: Relays for the listeners it expects, transfer, and what a month costs, item by item, with what " +
            "each lever brings. Reads the stack's file only: no account, no state. What it counts: docs/plan.md.",
    )
    .usage("--stack <name> [options]   (npm run plan -- --stack prod)")
    .option("--stack <name>", "reads Pulumi.<name>.yaml")
    .option("--file <path>", "reads this file instead, such as docs/stations/small.yaml")
    .option(
        "--listeners <peaks>",
        "plans for other listeners at the peak, in all or by region: 20000, or ams3=12000,nyc3=8000; the numbers of Relays " +
            "are the planner's then",
        listenersOf,
    )
    .option("--json", "prints the plan and its levers as JSON")
    .addHelpText(
        "after",
        [
            "\nWith --listeners, averages grow as peaks do; where none is known, a third of the peak is taken. Without regions,",
            "listeners come as expected.listeners has them, or to all regions alike.",
            "Fails with the reason when the file has a mistake, or when the station could not lose a region.",
        ].join("\n"),
    )
    .action(plan)
    .parseAsync()
    .catch((error: unknown) => {
        console.error(`plan: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
    });

function plan(options: PlanOptions): void {
    const { text, warnings, shortages } = runPlan(options, new Date().toISOString().slice(0, 10));
    console.log(text);
    for (const warning of warnings) {
        console.error(`plan: ${warning}`);
    }
    if (shortages.length > 0) {
        throw new Error(shortages.join("; "));
    }
}

function listenersOf(text: string): AskedListeners {
    const listeners = readListeners(text);
    if (listeners === undefined) {
        throw new InvalidArgumentError(
            "Give a number, such as 20000, or one for each region: ams3=12000,nyc3=8000.",
        );
    }
    return listeners;
}
