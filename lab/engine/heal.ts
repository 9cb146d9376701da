import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { readJson, writeAtomically } from "../workstation/files";
import { waitFor } from "../workstation/wait";
import { labPath } from "../paths";
import { setLabMode } from "../cloud/mode";
import { sweep } from "./sweep";
import type { StackChoice } from "./workspace";

/*
 * Before a run, removes what a killed run has left: the lock of its dead process, the operations that it had begun, and
 * what these made in the lab cloud without recording it in the state. The run makes all of that again.
 */

const lock = z.object({ pid: z.int(), hostname: z.string().optional() });

const checkpointFile = z.looseObject({
    checkpoint: z.looseObject({
        latest: z
            .looseObject({
                resources: z.array(z.looseObject({ type: z.string(), id: z.string().optional() })).optional(),
                pending_operations: z.array(z.unknown()).optional(),
            })
            .optional(),
    }),
});

/** How long to wait for another run to end, in ms: longer than any run takes. */
const lockWaitMs = 900_000;

function isEngine(pid: number): boolean {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pulumi");
    } catch {
        return false;
    }
}

function liveLocks(stack: string): number[] {
    const folder = labPath("state", ".pulumi", "locks", "organization", "aerial", stack);
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return files.flatMap((name) => {
        const file = join(folder, name);
        const parsed = lock.safeParse(readJson(file));
        const here = parsed.data?.hostname === undefined || parsed.data.hostname === hostname();
        if (parsed.success && here && isEngine(parsed.data.pid)) {
            return [parsed.data.pid];
        }
        rmSync(file, { force: true });
        return [];
    });
}

/** The engine goes on when only its command line was killed. The next run waits for it, and finds little to do. */
async function removeStaleLocks(stack: string): Promise<void> {
    let pid: number | undefined;
    const isFree = (): boolean => {
        const before = pid;
        [pid] = liveLocks(stack);
        if (pid !== undefined && pid !== before) {
            console.log(`Another run works on this stack (process ${pid}); waiting for its end.`);
        }
        return pid === undefined;
    };
    await waitFor(isFree, {
        limitMs: lockWaitMs,
        everyMs: 200,
        complaint: () => `another run works on stack ${stack} (process ${pid}), and does not end`,
    });
}

function isJson(file: string): boolean {
    try {
        JSON.parse(readFileSync(file, "utf8"));
        return true;
    } catch {
        return false;
    }
}

/**
 * Removes files that the engine was writing when it was killed. The state itself is renamed into place, so it is whole.
 * But the attributes beside each file are written in place, and an incomplete one stops the engine ("failed to load
 * checkpoint: EOF"). They hold only content types, which the engine does not need.
 */
function removeTornFiles(): void {
    const folder = labPath("state", ".pulumi");
    const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    for (const file of names.map((name) => join(folder, name))) {
        if (file.endsWith(".tmp") || (file.endsWith(".attrs") && !isJson(file))) {
            rmSync(file, { force: true });
        }
    }
}

/** Removes operations that had begun from the state, and returns the resources in it: `<type> <id>`. */
function mendState(stack: string): Set<string> {
    const file = labPath("state", ".pulumi", "stacks", "aerial", `${stack}.json`);
    const content = readJson(file);
    if (content === undefined) {
        return new Set();
    }
    const state = checkpointFile.parse(content);
    const { latest } = state.checkpoint;
    if (latest?.pending_operations && latest.pending_operations.length > 0) {
        latest.pending_operations = [];
        writeAtomically(file, JSON.stringify(state, null, 4));
    }
    return new Set((latest?.resources ?? []).map(({ type, id }) => `${type} ${id ?? ""}`));
}

/**
 * Prepares a stack for the next run after an interrupted one.
 *
 * @throws when another run does not end.
 */
export async function heal({ stack, mode }: StackChoice): Promise<void> {
    await removeStaleLocks(stack);
    removeTornFiles();
    setLabMode(mode);
    await sweep(mendState(stack));
}
