import { z } from "zod";

import { steeringRegions } from "../../model/steeringRegions";

/** Ids of accounts, zones and objects. */
export const identifier = z
    .string()
    .regex(/^[0-9a-f]{32}$/, "Could not route to this object, perhaps your object identifier is invalid?");

/** One of a list of words; the message names them, as the real provider's does. */
export function oneOf<const Words extends readonly [string, ...string[]]>(attribute: string, words: Words) {
    const list = words.map((word) => `"${word}"`).join(" ");
    return z.enum(words, {
        error: (issue) =>
            `Attribute ${attribute} value must be one of: [${list}], got: "${String(issue.input)}"`,
    });
}

/** A region from which health is checked, or of those who ask. */
export const regionCode = oneOf("region", steeringRegions);

/** A host name in full, of letters, digits, hyphens and underscores; `*` may be its first label. */
export function isHostname(value: string): boolean {
    return (
        value.length <= 253 &&
        /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(
            value,
        )
    );
}
