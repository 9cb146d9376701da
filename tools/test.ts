import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { stripVTControlCharacters } from "node:util";

import {
    choose,
    inOrder,
    kindNames,
    labsAtOnce,
    nameOfSet,
    waitingKinds,
    WrongChoice,
    type Choice,
} from "./testing/choice";
import { Display } from "./testing/display";
import { runSet, setsOfDrills } from "./testing/drills";
import { runKind, type Beside } from "./testing/kinds";
import { inLanes } from "./testing/lanes";
import { resultsFolder, turnsFolder } from "./testing/paths";
import { Interrupted, Runner, type StepResult } from "./testing/runner";

/**
 * Runs the project's tests and ends with one line of totals: `N passed, N failed`. Sets of drills, each in a lab of its own,
 * take turns in lanes, since they mostly wait. The kinds run beside them, one after another: first those that compute, with
 * what of the processors the drills leave, then those that play in real time. Logs and jest's results are in `.test`.
 */
function usage(sets: readonly string[]): string {
    return `Usage: npm test -- [KIND | SET]...

Kinds: ${kindNames.join(", ")} (checks: types, lint, imports, workflows, shell scripts, Python), drills.
Sets of drills: ${sets.map(nameOfSet).join(", ")}.
Without an argument, all of them run.

Each set of drills runs in its own lab, which is removed afterwards. With AERIAL_LAB=<folder>, one set uses that lab and
leaves it up. The lab must run the set's station: tools/lab up --stack-file tests/drills/<set>/station.yaml, or without
--stack-file for a set that has no station.yaml.
`;
}

async function main(names: readonly string[]): Promise<number> {
    const sets = setsOfDrills();
    if (names.includes("--help") || names.includes("-h")) {
        process.stdout.write(usage(sets));
        return 0;
    }
    try {
        const choice = choose(names, { sets, ownLab: process.env.AERIAL_LAB });
        // By this user, before root's drills would make it theirs.
        mkdirSync(turnsFolder, { recursive: true });
        return summarise(await runAll(choice));
    } catch (error) {
        if (error instanceof WrongChoice) {
            process.stderr.write(`${error.message}\n\n${usage(sets)}`);
            return 2;
        }
        throw error;
    }
}

async function runAll({ kinds, sets }: Choice): Promise<StepResult[]> {
    const workstation = { processors: availableParallelism(), memoryMiB: totalmem() / 2 ** 20 };
    const lanes = Math.min(labsAtOnce(workstation), sets.length);
    const display = new Display([...kinds, ...sets.map(nameOfSet)], lanes + Math.min(kinds.length, 1) > 1);
    const runner = new Runner(display);
    const beside = (kind: Choice["kinds"][number]): Beside =>
        lanes === 0 ? "nothing" : waitingKinds.includes(kind) ? "drills" : "aside";
    try {
        const results = await Promise.all([
            inLanes(
                kinds.map((kind) => () => reported(kind, () => runKind(runner, kind, beside(kind)))),
                1,
            ),
            inLanes(
                inOrder(sets).map((set) => () => reported(nameOfSet(set), () => runSet(runner, set))),
                lanes,
            ),
        ]);
        return results.flat(2);
    } finally {
        display.close();
    }
}

/** An error in one task becomes its failure, and the other tasks go on. */
async function reported(name: string, work: () => Promise<StepResult[]>): Promise<StepResult[]> {
    try {
        return await work();
    } catch (error) {
        if (!(error instanceof Interrupted)) {
            console.error(error);
        }
        const why = error instanceof Interrupted ? "interrupted" : "broken off";
        return [{ name: `${name} (${why})`, passed: 0, failed: 1, seconds: 0, log: "" }];
    }
}

function summarise(results: readonly StepResult[]): number {
    const width = Math.max(...results.map((result) => result.name.length));
    for (const result of results.filter(({ failed }) => failed > 0)) {
        process.stdout.write(`\n${told(result)}\n`);
    }
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

/** Of each failed test, or of a log's end, this many lines: whoever sees only the end of the output sees why. */
const linesOfFailure = 30;

/** What failed in a step, and why. */
function told({ name, log, failures }: StepResult): string {
    const lines = (text: string): string[] => stripVTControlCharacters(text).split("\n");
    if (failures !== undefined) {
        return failures
            .map((failure) => `✕ ${name} │ ${lines(failure).slice(0, linesOfFailure).join("\n    ")}`)
            .join("\n");
    }
    const end = existsSync(log) ? lines(readFileSync(log, "utf8").trimEnd()).slice(-linesOfFailure) : [];
    return [`✕ ${name}`, ...end].join("\n    ");
}

void main(process.argv.slice(2)).then((status) => {
    process.exitCode = status;
});
