import { mkdirSync } from "node:fs";

import { checks } from "./testing/checks";
import { Interrupted, runStep, type StepResult } from "./testing/step";
import { type Kind, kinds, runKind } from "./testing/kinds";
import { resultsFolder } from "./testing/paths";

/**
 * Runs the project's tests, cheapest first, with their output as it comes, and ends with one line of totals:
 * `N passed, N failed`. Logs and jest's results are kept in `.test`.
 */
const usage = `Usage: npm test -- [KIND...]

Kinds: checks (lint, types, workflows, shell scripts), ${Object.keys(kinds).join(", ")}. All of them without one.

Drills run in a lab of their own, which is taken down afterwards. With AERIAL_LAB=<folder> they use that lab and leave
it up.
`;

async function main(): Promise<number> {
    const wanted = process.argv.slice(2);
    if (wanted.includes("--help") || wanted.includes("-h")) {
        process.stdout.write(usage);
        return 0;
    }
    const known = ["checks", ...Object.keys(kinds)];
    const unknown = wanted.filter((kind) => !known.includes(kind));
    if (unknown.length > 0) {
        process.stderr.write(`There is no kind of tests named ${unknown.join(", ")}.\n\n${usage}`);
        return 2;
    }
    mkdirSync(resultsFolder, { recursive: true });

    const results: StepResult[] = [];
    try {
        for (const kind of known.filter((name) => wanted.length === 0 || wanted.includes(name))) {
            if (kind === "checks") {
                for (const check of checks()) {
                    results.push(await runStep(check));
                }
            } else {
                results.push(...(await runKind(kind as Kind)));
            }
        }
    } catch (error) {
        if (!(error instanceof Interrupted)) {
            throw error;
        }
        results.push({ name: "interrupted", passed: 0, failed: 1, seconds: 0, log: "" });
    }
    return summarise(results);
}

function summarise(results: readonly StepResult[]): number {
    const width = Math.max(...results.map((result) => result.name.length));
    process.stdout.write("\n");
    for (const { name, passed, failed, seconds, log } of results) {
        const where = failed > 0 && log !== "" ? `   ${log}` : "";
        const counts = `${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed`;
        process.stdout.write(`${name.padEnd(width)} ${counts} ${seconds.toFixed(0).padStart(5)} s${where}\n`);
    }
    const passed = results.reduce((sum, result) => sum + result.passed, 0);
    const failed = results.reduce((sum, result) => sum + result.failed, 0);
    process.stdout.write(`\nLogs: ${resultsFolder}\n${passed} passed, ${failed} failed\n`);
    return failed === 0 && passed > 0 ? 0 : 1;
}

void main().then((status) => {
    process.exitCode = status;
});
