import { isDeepStrictEqual } from "node:util";

import type { z } from "zod";

import type { ResourceKind } from "../kind";
import { isAsset, type Properties } from "./values";

export interface Difference {
    property: string;
    change: "add" | "delete" | "update";
    replaces: boolean;
}

function comparable(kind: ResourceKind, property: string, value: unknown): unknown {
    if (isAsset(value)) {
        return value.hash;
    }
    // A default that is spelled out is no change.
    const schema = kind.inputs.shape[property] as z.ZodType | undefined;
    const parsed = schema?.safeParse(value);
    const whole = parsed?.success ? parsed.data : value;
    if (kind.sets.includes(property) && Array.isArray(whole)) {
        return whole.map((item) => JSON.stringify(item)).sort();
    }
    return whole;
}

/**
 * What changed between plain inputs, property by property, in the order of their names; then what the provider will
 * only know afterwards, where something changes in place.
 */
export function differences(kind: ResourceKind, old: Properties, wanted: Properties): Difference[] {
    const { replaceOn, replaceWhen = {}, computedAgain = [] } = kind.behaviour;
    const names = [...new Set([...Object.keys(old), ...Object.keys(wanted)])].sort();
    const changes = names.flatMap((property): Difference[] => {
        const before = comparable(kind, property, old[property]);
        const after = comparable(kind, property, wanted[property]);
        if (isDeepStrictEqual(before, after)) {
            return [];
        }
        const replaces =
            replaceOn === "*" ||
            replaceOn.includes(property) ||
            (replaceWhen[property]?.(old[property], wanted[property]) ?? false);
        const change = before === undefined ? "add" : after === undefined ? "delete" : "update";
        return [{ property, change, replaces }];
    });
    const inPlace = changes.length > 0 && !changes.some(({ replaces }) => replaces);
    const again = inPlace ? computedAgain : [];
    return [
        ...changes,
        ...again.map((property) => ({ property, change: "update" as const, replaces: false })),
    ];
}
