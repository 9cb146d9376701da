import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

import { checks } from "./checks";
import type { Kind } from "./choice";
import { checkout, resultsFolder, turnsFolder } from "./paths";
import type { Counts, Runner, Step, StepResult } from "./runner";

/** How a kind of tests (a project in jest.config.js) is run. */
interface KindOptions {
    limitSeconds: number;
    /** Starts machines, mounts, makes networks: and waits for them, so that a processor carries two test files. */
    root?: boolean;
    /** Its files take turns with drills, each by itself; other kinds of root's take one for all. */
    turns?: boolean;
}

const options: Record<Exclude<Kind, "checks">, KindOptions> = {
    unit: { limitSeconds: 600 },
    browser: { limitSeconds: 600 },
    engine: { limitSeconds: 1200 },
    templates: { limitSeconds: 1500, root: true, turns: true },
    machines: { limitSeconds: 1200, root: true },
    sources: { limitSeconds: 900, root: true },
};

/** What a kind runs beside: nothing; drills; or drills to which it leaves the processors, since it only computes. */
export type Beside = "nothing" | "drills" | "aside";

/** How much longer tests may take: aside, they have little of the processors for minutes. */
const patience: Record<Beside, number> = { nothing: 1, drills: 3, aside: 6 };

/** Runs one kind. */
export async function runKind(runner: Runner, kind: Kind, beside: Beside): Promise<StepResult[]> {
    const steps = kind === "checks" ? checks() : [ofKind(kind, beside)];
    const results: StepResult[] = [];
    for (const step of steps) {
        results.push(await runner.run(beside === "aside" ? setAside(step) : step));
    }
    return results;
}

function ofKind(kind: Exclude<Kind, "checks">, beside: Beside): Step {
    const { limitSeconds, root, turns } = options[kind];
    return jest({
        ...{ name: kind, project: kind, root, limitSeconds, turn: root && !turns ? kind : undefined },
        // What waits in real time needs the processor when its time comes.
        options: [`--maxWorkers=${root && beside === "nothing" ? "200%" : "100%"}`],
        env: {
            // No test runs in the lab that someone may have up to play with.
            ...(process.env.AERIAL_LAB === undefined
                ? { AERIAL_LAB: join(resultsFolder, `lab-${kind}`) }
                : {}),
            AERIAL_TEST_PATIENCE: String(patience[beside]),
            ...(turns ? { AERIAL_TURNS: turnsFolder } : {}),
        },
    });
}

function setAside(step: Step): Step {
    const [program = "", ...rest] = step.command;
    const aside = "tools/testing/aside.sh";
    return {
        ...step,
        // It has to be root's to make a group of its own.
        command: program === "tools/as-root" ? [program, aside, ...rest] : [aside, ...step.command],
        limitSeconds: step.limitSeconds * patience.aside,
    };
}

/** Tests of a project in jest.config.js, counted one by one. */
export function jest(wanted: {
    name: string;
    project: string;
    options: readonly string[];
    root?: boolean | undefined;
    turn?: string | undefined;
    env: Step["env"];
    limitSeconds: number;
}): Step {
    const results = join(resultsFolder, `${wanted.name.replace("/", "-")}.json`);
    rmSync(results, { force: true });
    return {
        name: wanted.name,
        ...(wanted.turn === undefined ? {} : { turn: wanted.turn }),
        command: [
            ...(wanted.root ? ["tools/as-root"] : []),
            ...["jest", "--selectProjects", wanted.project, "--passWithNoTests"],
            ...["--json", "--outputFile", results, ...wanted.options],
        ],
        env: wanted.env,
        limitSeconds: wanted.limitSeconds,
        count: (exitCode) => countTests(results, exitCode),
    };
}

/** The part of jest's results that we read. */
export interface JestResults {
    numPassedTests: number;
    numFailedTests: number;
    /** Test files that failed before any of their tests ran. */
    numRuntimeErrorTestSuites: number;
    testResults: {
        name: string;
        message: string;
        assertionResults: { fullName: string; status: string; failureMessages?: string[] }[];
    }[];
}

function countTests(path: string, exitCode: number): Counts {
    if (!existsSync(path)) {
        return { passed: 0, failed: 1 };
    }
    return countResults(JSON.parse(readFileSync(path, "utf8")) as JestResults, exitCode);
}

/** Counts what jest tells, and says of each test that failed why. */
export function countResults(results: JestResults, exitCode: number): Counts {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const failures = results.testResults.flatMap(({ name, message, assertionResults }) => {
        const file = relative(checkout, name);
        if (assertionResults.length === 0 && message !== "") {
            return [`${file}\n${message}`];
        }
        return assertionResults
            .filter(({ status }) => status === "failed")
            .map(({ fullName, failureMessages = [] }) =>
                [`${file}: ${fullName}`, ...failureMessages].join("\n"),
            );
    });
    // Jest may fail without a failed test: an obsolete option, a leak, a snapshot that was not written.
    return {
        passed: results.numPassedTests,
        failed: exitCode === 0 ? failed : Math.max(failed, 1),
        ...(failures.length > 0 ? { failures } : {}),
    };
}
