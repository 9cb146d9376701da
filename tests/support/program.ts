import { readFileSync } from "node:fs";
import { join } from "node:path";

import type * as pulumiModule from "@pulumi/pulumi";
import { parse } from "yaml";

import type { FoundDroplets, Kept, Recorded } from "./mocks";

/** A stack's `aerial:station`, as committed. */
export function committedStation(stack: string): unknown {
    const text = readFileSync(join(__dirname, "..", "..", `Pulumi.${stack}.yaml`), "utf8");
    const { config } = parse(text) as { config: Record<string, unknown> };
    return config["aerial:station"];
}

/** Everything the program asks for, and its stack outputs, for a station, without an engine. */
export async function runProgram(
    station: unknown,
    stack = "test",
    found: FoundDroplets = [],
    kept: Kept = {},
    previous?: Record<string, unknown>,
    /** Secrets of the stack's configuration: `{ "aerial:slackUrl": "…" }`. */
    secrets: Record<string, string> = {},
): Promise<{ resources: Recorded[]; outputs: Record<string, unknown> }> {
    const result: { resources: Recorded[]; outputs: Record<string, unknown> } = {
        resources: [],
        outputs: {},
    };
    // A copy of the SDK for each run: its mocks are one per process.
    await jest.isolateModulesAsync(async () => {
        /* eslint-disable @typescript-eslint/no-require-imports */
        const pulumi = require("@pulumi/pulumi") as typeof pulumiModule;
        const { record } = require("./mocks") as typeof import("./mocks");
        pulumi.runtime.setAllConfig(
            { "aerial:station": JSON.stringify(station), ...secrets },
            Object.keys(secrets),
        );
        let exported: Record<string, unknown> = {};
        result.resources = await record(
            // The program registers a transformation with its stack, so that there has to be one.
            () =>
                pulumi.runtime.runInPulumiStack(async () => {
                    exported = require("../../index") as Record<string, unknown>;
                    return {};
                }),
            stack,
            found,
            kept,
            previous,
        );
        /* eslint-enable @typescript-eslint/no-require-imports */
        result.outputs = await new Promise((resolve, reject) => {
            const all = pulumi.output(exported);
            const failed = setTimeout(() => reject(new Error("an output never resolves")), 10_000);
            all.apply((value) => {
                clearTimeout(failed);
                resolve(value);
            });
        });
    });
    return result;
}
