import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { resultsFolder } from "./paths";
import { type Counts, runCleanUp, runStep, type Step, type StepResult } from "./step";

/** How a kind of tests (a project in jest.config.js) is run. */
interface KindOptions {
    limitSeconds: number;
    /** One test file at a time: they share a lab. Files of other kinds have each their own. */
    serial?: boolean;
    /** Starts machines, mounts, makes networks. */
    root?: boolean;
    /** Wants a running lab. */
    lab?: boolean;
}

export const kinds = {
    unit: { limitSeconds: 600 },
    templates: { limitSeconds: 900, root: true },
    machines: { limitSeconds: 1200, root: true },
    engine: { limitSeconds: 1200 },
    drills: { limitSeconds: 3600, serial: true, root: true, lab: true },
} satisfies Record<string, KindOptions>;

export type Kind = keyof typeof kinds;

/** Runs one kind, with a lab around it where it wants one. */
export async function runKind(kind: Kind): Promise<StepResult[]> {
    const options: KindOptions = kinds[kind];
    // No test runs in the lab that someone may have up to play with.
    const env = process.env.AERIAL_LAB === undefined ? await ownLab(kind) : undefined;
    if (!options.lab) {
        return [await runStep(jest(kind, options, env))];
    }
    const results: StepResult[] = [];
    try {
        if (env && existsSync(env.AERIAL_LAB)) {
            // Left by a run that was killed before it could take it down.
            await runStep(lab("down", 300, env));
        }
        const up = await runStep(lab("up", 1200, env));
        results.push(...reportFailure(up));
        if (up.failed === 0) {
            results.push(await runStep(jest(kind, options, env)));
        }
    } finally {
        if (env) {
            if (results.length === 0 || results.some(({ failed }) => failed > 0)) {
                await runCleanUp(keepLogs(env.AERIAL_LAB));
            }
            results.push(...reportFailure(await runCleanUp(lab("down", 300, env))));
        }
    }
    return results;
}

/** A lab that is ours alone. */
async function ownLab(kind: Kind): Promise<{ AERIAL_LAB: string; AERIAL_DOOR_PORT: string }> {
    return { AERIAL_LAB: join(resultsFolder, `lab-${kind}`), AERIAL_DOOR_PORT: String(await freePort()) };
}

/** A port that nobody has: another checkout may test at the same time. */
async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    server.close();
    return typeof address === "object" && address ? address.port : 0;
}

/** Before a lab in which something failed goes: its logs, and the journals and consoles of its machines. */
function keepLogs(folder: string): Step {
    const find = `find . -xdev \\( -name root -o -name work \\) -prune -o -type f \\( -name '*.log' -o -name '*.journal' \\) -print0`;
    return {
        name: "lab-logs",
        command: [
            ...["tools/as-root", "sh", "-c"],
            `cd "$1" && ${find} | tar -czf "$1.tar.gz" --null -T -`,
            ...["sh", folder],
        ],
        limitSeconds: 120,
    };
}

function jest(kind: Kind, options: KindOptions, env: Step["env"]): Step {
    const results = join(resultsFolder, `${kind}.json`);
    rmSync(results, { force: true });
    return {
        name: kind,
        command: [
            ...(options.root ? ["tools/as-root"] : []),
            ...["jest", "--selectProjects", kind, "--passWithNoTests", "--json", "--outputFile", results],
            ...(options.serial ? ["--runInBand"] : ["--maxWorkers=100%"]),
        ],
        env,
        limitSeconds: options.limitSeconds,
        count: (exitCode) => countTests(results, exitCode),
    };
}

function lab(command: string, limitSeconds: number, env: Step["env"]): Step {
    return { name: `lab-${command}`, command: ["tools/lab", command], env, limitSeconds };
}

/** Bringing the lab up and down is no test; that it failed must not go unnoticed. */
function reportFailure(result: StepResult): StepResult[] {
    return result.failed > 0 ? [result] : [];
}

/** The part of jest's results that we read. */
interface JestResults {
    numPassedTests: number;
    numFailedTests: number;
    /** Test files that failed before any of their tests ran. */
    numRuntimeErrorTestSuites: number;
}

function countTests(path: string, exitCode: number): Counts {
    if (!existsSync(path)) {
        return { passed: 0, failed: 1 };
    }
    const results = JSON.parse(readFileSync(path, "utf8")) as JestResults;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // Jest may fail without a failed test: an obsolete option, a leak, a snapshot that was not written.
    return { passed: results.numPassedTests, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}
