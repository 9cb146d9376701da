import { RunError } from "@pulumi/pulumi";
import type { z } from "zod";

/** One mistake in the configuration. */
export interface ConfigMistake {
    /** Where, for example `aerial:station.relays[1].region`. */
    key: string;
    /** The value as given, in JSON; `nothing` where the key is missing. */
    value: string;
    /** What would be right. */
    remedy: string;
}

/**
 * All mistakes of a stack's configuration at once, before any resource exists. A `RunError`, so that the engine shows
 * the message and no stack trace.
 */
export class ConfigError extends RunError {
    constructor(public readonly mistakes: readonly ConfigMistake[]) {
        const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`;
        const lines = mistakes.map(({ key, value, remedy }) => `  - ${key} is ${value}: ${remedy}`);
        super(`the configuration has ${count}; nothing was created\n${lines.join("\n")}`);
    }
}

function keyOf(root: string, path: readonly PropertyKey[]): string {
    return path.reduce<string>(
        (key, part) => (typeof part === "number" ? `${key}[${part}]` : `${key}.${String(part)}`),
        root,
    );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
        (current, part) =>
            typeof current === "object" && current !== null ? Reflect.get(current, part) : undefined,
        value,
    );
}

function show(value: unknown): string {
    if (value === undefined) {
        return "nothing";
    }
    const text = JSON.stringify(value);
    return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const expectations: Record<string, string> = {
    string: "give a text",
    array: "give a list",
    object: "give an object with keys",
    number: "give a number",
    boolean: "use true or false",
};

/** Mistakes found by the schema, one per key, in the order of the file. */
export function mistakesOf(root: string, given: unknown, error: z.ZodError): ConfigMistake[] {
    return error.issues.flatMap((issue): ConfigMistake[] => {
        if (issue.code === "unrecognized_keys") {
            return issue.keys.map((name) => ({
                key: keyOf(root, [...issue.path, name]),
                value: show(valueAt(given, [...issue.path, name])),
                remedy: "there is no such setting; check its spelling, or remove it",
            }));
        }
        const generic = issue.code === "invalid_type" && issue.message.startsWith("Invalid input");
        return [
            {
                key: keyOf(root, issue.path),
                value: show(valueAt(given, issue.path)),
                remedy: generic
                    ? (expectations[issue.expected] ?? `give a ${issue.expected}`)
                    : issue.message,
            },
        ];
    });
}

/** A mistake that a schema of its own has found, for the schema around it: with the same key below its own. */
export function restated(issue: z.core.$ZodIssue): z.core.$ZodRawIssue {
    const { path, message } = issue;
    switch (issue.code) {
        case "unrecognized_keys":
            return { code: issue.code, path, message, keys: issue.keys, input: undefined };
        case "invalid_type":
            return { code: issue.code, path, message, expected: issue.expected, input: undefined };
        default:
            return { code: "custom", path, message, input: undefined };
    }
}
