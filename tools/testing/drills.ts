import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { nameOfSet } from "./choice";
import { jest } from "./kinds";
import { checkout, resultsFolder, turnsFolder } from "./paths";
import { Interrupted, type Runner, type Step, type StepResult } from "./runner";

/*
 * A set of drills is a folder of tests/drills. Its tests run one after another in one lab, which it has to itself; the
 * lab's station is described by `station.yaml` in the folder, or by Pulumi.lab.yaml.
 */

const drillsFolder = join(checkout, "tests/drills");

/** Names of all sets. */
export function setsOfDrills(): string[] {
    return readdirSync(drillsFolder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .filter((name) => readdirSync(join(drillsFolder, name)).some((file) => file.endsWith(".test.ts")))
        .sort();
}

function stackFile(set: string): string {
    const own = join(drillsFolder, set, "station.yaml");
    return existsSync(own) ? own : join(checkout, "Pulumi.lab.yaml");
}

/** Runs a set in a lab that goes up before and down after, whatever happens; or in the lab that someone has up. */
export async function runSet(runner: Runner, set: string): Promise<StepResult[]> {
    const turns = { AERIAL_TURNS: turnsFolder };
    if (process.env.AERIAL_LAB !== undefined) {
        return [await runner.run(drills(set, turns))];
    }
    if (runner.interrupted) {
        throw new Interrupted();
    }
    const env = {
        AERIAL_LAB: join(resultsFolder, `lab-${set}`),
        AERIAL_LISTEN_PORT: String(await freePort()),
    };
    const results: StepResult[] = [];
    try {
        if (existsSync(env.AERIAL_LAB)) {
            // Left by a run that was killed before it could take it down.
            await runner.run(lab(set, ["down"], 300, env));
        }
        const goUp = lab(set, ["up", "--stack-file", stackFile(set)], 1200, env);
        const up = await runner.run({ ...goUp, turn: set });
        results.push(...reportFailure(up));
        if (up.failed === 0) {
            results.push(await runner.run(drills(set, { ...env, ...turns })));
        }
    } finally {
        const good = results.length > 0 && results.every(({ failed }) => failed === 0);
        if (!good && existsSync(env.AERIAL_LAB)) {
            await runner.cleanUp(keepLogs(set, env.AERIAL_LAB));
        }
        results.push(...reportFailure(await runner.cleanUp(lab(set, ["down"], 300, env))));
    }
    return results;
}

function drills(set: string, env: Step["env"]): Step {
    return jest({
        ...{ name: nameOfSet(set), project: "drills", root: true, env, limitSeconds: 2400 },
        // What a drill that failed has left under way, such as a listener, does not hold up the others.
        options: ["--runInBand", "--forceExit", "--testPathPatterns", `tests/drills/${set}/`],
    });
}

/** Bringing the lab up and down is no test; that it failed must not go unnoticed. */
function reportFailure(result: StepResult): StepResult[] {
    return result.failed > 0 ? [result] : [];
}

function lab(set: string, command: readonly string[], limitSeconds: number, env: Step["env"]): Step {
    return {
        ...{ name: `${nameOfSet(set)} lab ${command[0]}`, speaker: nameOfSet(set), quiet: true },
        ...{ command: ["tools/lab", ...command], env, limitSeconds },
    };
}

/** Before a lab in which something failed goes: its logs, and the journals and consoles of its machines. */
function keepLogs(set: string, folder: string): Step {
    const find = `find . -xdev \\( -name root -o -name work \\) -prune -o -type f \\( -name '*.log' -o -name '*.journal' \\) -print0`;
    return {
        ...{ name: `${nameOfSet(set)} lab logs`, speaker: nameOfSet(set), quiet: true },
        command: [
            ...["tools/as-root", "sh", "-c"],
            `cd "$1" && ${find} | tar -czf "$1.tar.gz" --null -T -`,
            ...["sh", folder],
        ],
        limitSeconds: 120,
    };
}

/** A port that nobody has: other sets, and other checkouts, test at the same time. */
async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    server.close();
    return typeof address === "object" && address ? address.port : 0;
}
