import { isIPv4 } from "node:net";

import { z } from "zod";

/** A text that is not empty, as most of DigitalOcean's are. */
export const text = z.string().min(1, "expected this not to be an empty string");

export const tagName = z
    .string()
    .regex(
        /^[a-zA-Z0-9:\-_]{1,255}$/,
        "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 characters per tag",
    );

export const tags = z.array(tagName);

export const ipv4 = z.string().refine(isIPv4, "expected a valid IPv4 address");

/** One of a list of words; the message names them, as the real provider's does. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
    return z.enum(words, {
        error: (issue) => `expected one of ${words.join(", ")}, got ${String(issue.input)}`,
    });
}
