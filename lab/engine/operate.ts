import type { EngineEvent, Stack } from "@pulumi/pulumi/automation";

import { serveDropletApi } from "../digitalocean/apiServer";
import { writeJson } from "../workstation/files";
import { heal } from "./heal";
import { isWork, plainText, Progress } from "./progress";
import { openStack, type StackChoice } from "./workspace";

/*
 * One operation of the engine, in a process of its own: the program is loaded once in each, and the engine's process
 * can run in a network namespace of its own.
 *
 *     tsx lab/engine/operate.ts '{ "operation": "up", "stack": "lab", "mode": "machines" }'
 */

export interface Operation extends StackChoice {
    operation: "up" | "preview" | "destroy";
    /** Looks first at what the cloud still has: what is missing is made again. */
    refresh?: boolean | undefined;
    /** Names of droplets to replace, even without a change. */
    replace?: string[] | undefined;
    /** File for the engine's plan of a preview; the engine calls this experimental (`PULUMI_EXPERIMENTAL`). */
    planFile?: string | undefined;
    /** File for the OperationResult. */
    resultFile?: string;
}

/** One finished step of the engine. */
export interface Step {
    op: string;
    type: string;
    urn: string;
    /** Properties that differ. */
    diffs: string[];
}

export interface OperationResult {
    ok: boolean;
    /** Steps that changed something, in the order in which they ended. */
    steps: Step[];
    /** The engine's errors in full, each once, after the name of the resource that it is about. */
    errors: string[];
    /** What the program said of the whole station, in order. */
    told: string[];
    seconds: number;
}

function record(result: OperationResult, event: EngineEvent): void {
    const metadata = event.resOutputsEvent?.metadata;
    if (metadata && isWork(metadata)) {
        const { op, type, urn, diffs } = metadata;
        result.steps.push({ op, type, urn, diffs: diffs ?? [] });
    }
    if (event.diagnosticEvent?.severity === "error") {
        const { urn, message } = event.diagnosticEvent;
        const text = plainText(message);
        // The engine writes the error that stopped the program twice.
        if (!result.errors.some((error) => error.endsWith(text))) {
            result.errors.push(urn ? `${urn.split("::").at(-1)}: ${text}` : text);
        }
    }
    if (event.diagnosticEvent?.severity === "info" && !event.diagnosticEvent.urn) {
        result.told.push(plainText(event.diagnosticEvent.message));
    }
}

/**
 * Errors without those of providers that ended late. At its end the engine tells each provider to end, and takes one that does
 * not answer soon, as on a busy machine, for one that crashed (github.com/pulumi/pulumi/pull/22569). One that did crash has
 * said why, or an operation fails for it.
 */
export function withoutLateEnds(errors: readonly string[]): string[] {
    return errors.filter((error) => !/exited prematurely\.[^]*STDERR streams of the plugin:\s*$/.test(error));
}

async function perform(
    stack: Stack,
    { operation, refresh, replace = [], planFile }: Operation,
    onEvent: (event: EngineEvent) => void,
): Promise<void> {
    const options = { onEvent, suppressProgress: true, color: "never" as const, refresh };
    if (operation === "destroy") {
        await stack.destroy(options);
        return;
    }
    const urns = await urnsOf(stack, replace);
    if (operation === "preview") {
        await stack.preview({ ...options, replace: urns, plan: planFile });
    } else {
        // A first run reports several errors: what does not depend on a refused resource is still made. Later, the engine
        // would take for gone what waits for the refused one, such as names, and remove it.
        const isFirst = (await resourcesOf(stack)).length === 0;
        await stack.up({ ...options, replace: urns, continueOnError: isFirst });
    }
}

/** URNs of droplets in the state. @throws with the existing names. */
async function urnsOf(stack: Stack, names: readonly string[]): Promise<string[]> {
    if (names.length === 0) {
        return [];
    }
    const droplets = new Map(
        (await resourcesOf(stack))
            .filter(({ urn }) => urn.includes("$digitalocean:index/droplet:Droplet::"))
            .map(({ urn }) => [urn.split("::").at(-1) ?? "", urn]),
    );
    return names.map((name) => {
        const urn = droplets.get(name);
        if (urn === undefined) {
            throw new Error(
                `there is no droplet ${name} to replace; there are ${[...droplets.keys()].join(", ")}`,
            );
        }
        return urn;
    });
}

/** What the state holds. */
async function resourcesOf(stack: Stack): Promise<{ urn: string }[]> {
    const exported = await stack.exportStack();
    return (exported.deployment as { resources?: { urn: string }[] }).resources ?? [];
}

/** An error's message without the engine's command line and its outputs, which repeat the message. */
function reasonOf(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    const [, said] = /\n stderr: ([\s\S]*?)\n err\?:/.exec(message) ?? [];
    const lines = (said ?? message).split("\n").filter((line) => !/from \$PATH/.test(line));
    return lines.join("\n").trim();
}

/** Runs an operation with its progress on standard output. Does not throw: errors are in the result. */
async function operate(wanted: Operation): Promise<OperationResult> {
    const started = Date.now();
    const result: OperationResult = { ok: false, steps: [], errors: [], told: [], seconds: 0 };
    const progress = new Progress((line) => console.log(line), wanted.operation === "preview");
    let api;
    try {
        await heal(wanted);
        api = await serveDropletApi();
        const stack = await openStack(wanted, api.environment);
        await perform(stack, wanted, (event) => {
            record(result, event);
            progress.onEvent(event);
        });
        result.ok = true;
        result.errors = withoutLateEnds(result.errors);
        if (result.steps.length === 0) {
            console.log("  Nothing to change.");
        }
    } catch (error) {
        // The engine's own errors have been shown by now; an error from before the engine's start has not.
        if (result.errors.length === 0) {
            const message = reasonOf(error);
            result.errors.push(message);
            console.error(message);
        }
    } finally {
        progress.end();
        await api?.close();
    }
    result.seconds = (Date.now() - started) / 1000;
    return result;
}

async function main(): Promise<void> {
    // If the reader ends early, as `head` does, the work still has to be finished.
    process.stdout.on("error", () => {});
    // Ctrl-C reaches the engine too, which finishes the steps it has begun; a second Ctrl-C ends it.
    let interrupted = false;
    process.on("SIGINT", () => {
        if (!interrupted) {
            console.log(
                "Interrupted: finishing the steps that have begun. Repeat the command later to go on.",
            );
        }
        interrupted = true;
    });
    const wanted = JSON.parse(process.argv[2] ?? "{}") as Operation;
    const result = await operate(wanted);
    if (wanted.resultFile !== undefined) {
        writeJson(wanted.resultFile, result);
    }
    process.exit(result.ok ? 0 : 1);
}

if (require.main === module) {
    void main();
}
