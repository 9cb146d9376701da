import { z } from "zod";

/** A text that is not empty, as most of DigitalOcean's are. */
export const text = z.string().min(1, "expected this not to be an empty string");

const tag = z
    .string()
    .regex(
        /^[a-zA-Z0-9:\-_]{1,255}$/,
        "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 characters per tag",
    );

export const tagName = tag;
export const tags = z.array(tag);

export function isIpv4(value: string): boolean {
    const parts = value.split(".");
    return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

export const ipv4 = z.string().refine(isIpv4, "expected a valid IPv4 address");

/** One of a list of words; the message names them, as the real provider's does. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
    return z.enum(words, {
        error: (issue) => `expected one of ${words.join(", ")}, got ${String(issue.input)}`,
    });
}
