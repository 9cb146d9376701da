import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { readJson, writeAtomically } from "../workstation/files";
import { labPath } from "../paths";
import { setLabMode } from "../cloud/mode";
import { sweep } from "./sweep";
import type { StackChoice } from "./workspace";

/*
 * What a killed run leaves, and what becomes of it before the next: a lock of a dead process goes; operations that were
 * under way are forgotten; what they made in the lab cloud, and no state knows, is removed and made again.
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

/** How long to wait for another run to end, in ms: longer than any takes. */
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

/** A run whose command line was killed goes on to its end; the next waits for that, and finds little left to do. */
async function removeStaleLocks(stack: string): Promise<void> {
    const deadline = Date.now() + lockWaitMs;
    let told: number | undefined;
    for (;;) {
        const [pid] = liveLocks(stack);
        if (pid === undefined) {
            return;
        }
        if (Date.now() > deadline) {
            throw new Error(`another run is at work on stack ${stack} (process ${pid}), and does not end`);
        }
        if (pid !== told) {
            console.log(`Another run is at work on this stack (process ${pid}); waiting for its end.`);
            told = pid;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
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
 * Removes what the engine was writing when it was killed. Its state comes by renaming, so it is whole; but the
 * attributes beside each file are written in place, and one that ends early stops the engine ("failed to load
 * checkpoint: EOF"). They hold content types, which nobody needs.
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

/** Forgets operations that were under way, and returns which resources the state knows: `<type> <id>`. */
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
 * Makes a stack fit for the next run, whatever interrupted the last.
 *
 * @throws when another run is still at work.
 */
export async function heal({ stack, mode }: StackChoice): Promise<void> {
    await removeStaleLocks(stack);
    removeTornFiles();
    setLabMode(mode);
    await sweep(mendState(stack));
}
