import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatTable } from "../../../lab/cli/table";
import { checkout } from "../../../lab/paths";

/** One measured figure of a drill. */
export interface Entry {
    drill: string;
    figure: string;
    measured: number;
    /** What was promised; the measured figure's own unit. */
    limit: number;
}

const entries: Entry[] = [];

/** Writes a measured figure into the drill book, whether it is good or not. */
export function note(drill: string, figure: string, measured: number, limit: number): void {
    entries.push({ drill, figure, measured, limit });
}

/** Shows the drill book and keeps it in `.test`, from where the documentation takes its figures. */
export function closeBook(name: string): void {
    const rows = entries.map(({ drill, figure, measured, limit }) => [
        drill,
        figure,
        String(measured),
        String(limit),
    ]);
    const folder = join(checkout, ".test");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `book-${name}.json`), JSON.stringify(entries, null, 2) + "\n");
    process.stdout.write(`\n${formatTable([["DRILL", "FIGURE", "MEASURED", "PROMISED"], ...rows])}\n`);
    entries.length = 0;
}
