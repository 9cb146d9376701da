import { z } from "zod";

import { waitFor } from "../../../lab/workstation/wait";
import type { World } from "./world";

/*
 * What the monitoring machine of a station sees.
 */

const answer = z.object({
    data: z.object({
        result: z.array(
            z.object({
                metric: z.record(z.string(), z.string()),
                value: z.tuple([z.number(), z.string()]),
            }),
        ),
    }),
});

/** What Prometheus answers to a question: a number for each machine. */
async function ask(world: World, query: string): Promise<Record<string, number>> {
    const url = `http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(query)}`;
    const text = await world.at("monitoring", ["curl", "--silent", "--fail", "--max-time", "5", url]);
    return Object.fromEntries(
        answer
            .parse(JSON.parse(text))
            .data.result.map(({ metric, value }) => [metric.machine ?? "", Number(value[1])]),
    );
}

/** Every machine is read every 15 s, from metrics that are written every 15 s; the rest is for a busy machine. */
export const seenMs = 90_000;

/** Waits until the answer to a question is this: a number for each machine. */
export async function sees(world: World, query: string, expected: Record<string, number>): Promise<void> {
    let last: Record<string, number> = {};
    await waitFor(
        async () => {
            // Prometheus takes some seconds to start again.
            last = await ask(world, query).catch(() => ({}));
            return JSON.stringify(sorted(last)) === JSON.stringify(sorted(expected));
        },
        {
            limitMs: seenMs,
            everyMs: 1000,
            complaint: () => `${query} is ${JSON.stringify(last)}, not ${JSON.stringify(expected)}`,
        },
    );
}

const sorted = (values: Record<string, number>): [string, number][] => Object.entries(values).sort();

/** Names of all droplets of the set's station. */
export const everyMachine = (world: World): string[] => [
    ...world.masters,
    ...world.relays.map(({ name }) => name),
    "monitoring",
];

/** The same number for each of them. */
export const ofEach = (machines: readonly string[], value: number): Record<string, number> =>
    Object.fromEntries(machines.map((machine) => [machine, value]));
