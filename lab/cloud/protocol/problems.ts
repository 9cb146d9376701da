import type { z } from "zod";

import type { ResourceKind } from "../kind";
import { isObject, unknownValue, type Properties } from "./values";

/** One property that is refused before anything is made. */
export interface Problem {
    property: string;
    reason: string;
}

function isKnownAt(value: unknown, path: readonly PropertyKey[]): boolean {
    let current = value;
    for (const part of path) {
        if (current === unknownValue) {
            return false;
        }
        current = typeof current === "object" && current !== null ? Reflect.get(current, part) : undefined;
    }
    return current !== unknownValue;
}

function nameOf(path: readonly PropertyKey[]): string {
    return path.reduce<string>((name, part) => {
        if (typeof part === "number") {
            return `${name}[${part}]`;
        }
        return name === "" ? String(part) : `${name}.${String(part)}`;
    }, "");
}

function problemsOf(issue: z.core.$ZodIssue, inputs: Properties): Problem[] {
    if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => ({
            property: nameOf([...issue.path, key]),
            reason: "the lab cloud does not know this property, and ignores none in silence",
        }));
    }
    const missing = issue.code === "invalid_type" && valueAt(inputs, issue.path) === undefined;
    return [{ property: nameOf(issue.path), reason: missing ? "this property is required" : issue.message }];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
        (current, part) =>
            isObject(current) || Array.isArray(current) ? Reflect.get(current, part) : undefined,
        value,
    );
}

/** All properties of plain inputs that a kind refuses. What is still unknown in a preview passes. */
export function problemsWith(kind: ResourceKind, inputs: Properties): Problem[] {
    const result = kind.inputs.safeParse(inputs);
    if (result.success) {
        return [];
    }
    return result.error.issues
        .filter((issue) => isKnownAt(inputs, issue.path))
        .flatMap((issue) => problemsOf(issue, inputs));
}
