import * as pulumi from "@pulumi/pulumi";

import { describeChange, describeWaiting, type Fingerprint } from "./machine/fingerprint";
import { describeLockouts, type LinkGenerations } from "./machine/lockouts";
import { previousOutputs } from "./stackOutputs";

/** What the stack said of its machines after its last `up`: its own outputs. */
export interface PreviousMachines {
    fingerprints: Record<string, Fingerprint>;
    machines: Record<string, { role: string; address: string }>;
}

interface PreviousOutputs {
    fingerprints?: Record<string, Omit<Fingerprint, "generations" | "waits"> & Partial<Fingerprint>>;
    machines?: PreviousMachines["machines"];
}

/** How long a Relay may take to say how many listen to it, in ms. */
const askLimitMs = 3000;

/** How machines that are replaced go, and when. */
export interface ReplacementPlan {
    /** For how long listeners of a Relay that is replaced or removed may stay, in seconds. */
    drainLimitSeconds: number;
    /** What replacements wait for, such as `05:00 Europe/Berlin`; undefined if they do not wait. */
    waitFor?: string | undefined;
}

/**
 * Says in a preview what it would do to each machine, and how many listeners a replacement concerns. During the change
 * itself, it says only which machines wait.
 *
 * @param fingerprints of the machines as the program wants them, by name.
 * @param generations of what links need, as the program wants them.
 */
export function announceChanges(
    fingerprints: Record<string, pulumi.Output<Fingerprint>>,
    plan: ReplacementPlan,
    generations: LinkGenerations,
): void {
    if (!pulumi.runtime.isDryRun()) {
        announceWaiting(fingerprints, plan);
        return;
    }
    void previousMachines()
        .then(async (previous) => {
            for (const line of describeLockouts(Object.values(previous.fingerprints), generations)) {
                await pulumi.log.warn(line);
            }
            for (const line of await describeChanges(previous, await knownOf(fingerprints), plan)) {
                await pulumi.log.info(line);
            }
        })
        .catch((error: unknown) => pulumi.log.warn(`what the change does is not known: ${String(error)}`));
}

function announceWaiting(
    fingerprints: Record<string, pulumi.Output<Fingerprint>>,
    { waitFor }: ReplacementPlan,
): void {
    if (waitFor === undefined) {
        return;
    }
    for (const [name, output] of Object.entries(fingerprints)) {
        output.apply((fingerprint) => {
            const waiting = describeWaiting(fingerprint, waitFor);
            if (waiting !== undefined) {
                void pulumi.log.info(`${name}: ${waiting}`);
            }
        });
    }
}

/**
 * A line for each machine that changes or waits, and a summary.
 *
 * @param wanted undefined for a machine about which the preview does not know enough, such as an address.
 */
export async function describeChanges(
    { fingerprints, machines }: PreviousMachines,
    wanted: Record<string, Fingerprint | undefined>,
    { drainLimitSeconds, waitFor }: ReplacementPlan,
    listenersAt: (address: string) => Promise<number | undefined> = askListeners,
): Promise<string[]> {
    const stay = drainLimitSeconds > 0 ? `who may stay for ${duration(drainLimitSeconds)}` : "who are closed";
    const leaving = async (name: string): Promise<string> => {
        const { role, address } = machines[name] ?? {};
        if (role !== "relay" || address === undefined) {
            return "";
        }
        const listeners = await listenersAt(address);
        return listeners === undefined
            ? `; it does not say how many listen, ${stay}`
            : `; ${listeners} listeners now, ${stay}`;
    };
    const changeOf = async (
        name: string,
    ): Promise<{ kind: keyof typeof count; waits?: boolean; line?: string }> => {
        const before = fingerprints[name];
        const after = wanted[name];
        if (!(name in wanted)) {
            return { kind: "removed", line: `${name}: removed${await leaving(name)}` };
        }
        if (before === undefined) {
            return { kind: "new", line: `${name}: new` };
        }
        if (after === undefined) {
            return { kind: "not known", line: `${name}: not known before the change` };
        }
        const { kind, waits, words } = describeChange(before, after, waitFor);
        if (kind === "none" && !waits) {
            return { kind };
        }
        return { kind, waits, line: `${name}: ${words}${kind === "replaced" ? await leaving(name) : ""}` };
    };
    const count = { new: 0, "in place": 0, replaced: 0, removed: 0, "not known": 0, none: 0 };
    const names = [...new Set([...Object.keys(wanted), ...Object.keys(fingerprints)])];
    const changes = await Promise.all(names.map(changeOf));
    for (const { kind } of changes) {
        count[kind] += 1;
    }
    const words = { "in place": "changed in place", none: "as they are" };
    const summary = Object.entries(count)
        .filter(([, number]) => number > 0)
        .map(([kind, number]) => `${number} ${kind in words ? words[kind as keyof typeof words] : kind}`);
    const waiting = changes.filter(({ waits }) => waits).length;
    const later = waiting > 0 ? `; ${waiting} of them to be replaced at ${waitFor}` : "";
    return [...changes.flatMap(({ line }) => line ?? []), `machines: ${summary.join(", ")}${later}`];
}

/** In the largest unit of which it is a whole number. */
function duration(seconds: number): string {
    if (seconds % 3600 === 0) {
        return `${seconds / 3600} h`;
    }
    return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** Machines of the last `up`; none before the first. */
async function previousMachines(): Promise<PreviousMachines> {
    return previousOf(await previousOutputs());
}

/** What outputs say of machines; those of an older program may say less. */
export function previousOf({ fingerprints = {}, machines = {} }: PreviousOutputs): PreviousMachines {
    const complete = Object.entries(fingerprints).map(([name, fingerprint]): [string, Fingerprint] => [
        name,
        { generations: {}, waits: {}, ...fingerprint },
    ]);
    return { fingerprints: Object.fromEntries(complete), machines };
}

/** The values that a preview knows. */
async function knownOf<T>(outputs: Record<string, pulumi.Output<T>>): Promise<Record<string, T | undefined>> {
    const entries = Object.entries(outputs).map(async ([name, output]): Promise<[string, T | undefined]> => {
        const { isKnown } = output as unknown as { isKnown: Promise<boolean> };
        return [name, (await isKnown) ? await valueOf(output) : undefined];
    });
    return Object.fromEntries(await Promise.all(entries));
}

function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
    return new Promise((resolve) => output.apply((value) => resolve(value)));
}

async function askListeners(address: string): Promise<number | undefined> {
    try {
        const reply = await fetch(`http://${address}/status.json`, {
            signal: AbortSignal.timeout(askLimitMs),
        });
        const { listeners } = (await reply.json()) as { listeners?: unknown };
        return typeof listeners === "number" ? listeners : undefined;
    } catch {
        return undefined;
    }
}
