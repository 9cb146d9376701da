import { isDeepStrictEqual } from "node:util";

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
    if (kind.sets.includes(property) && Array.isArray(value)) {
        return value.map((item) => JSON.stringify(item)).sort();
    }
    return value;
}

/** What changed between plain inputs, property by property, in the order of their names. */
export function differences(kind: ResourceKind, old: Properties, wanted: Properties): Difference[] {
    const names = [...new Set([...Object.keys(old), ...Object.keys(wanted)])].sort();
    return names.flatMap((property): Difference[] => {
        const before = comparable(kind, property, old[property]);
        const after = comparable(kind, property, wanted[property]);
        if (isDeepStrictEqual(before, after)) {
            return [];
        }
        const replaces = kind.replaceOn === "*" || kind.replaceOn.includes(property);
        const change = before === undefined ? "add" : after === undefined ? "delete" : "update";
        return [{ property, change, replaces }];
    });
}
