import { z } from "zod";

import { awsRegions, parseRange } from "../network/addresses";

/** A region of Amazon's; the provider's own where a resource names none. */
export const region = z.enum(awsRegions, {
    error: (issue) => `invalid AWS Region: ${String(issue.input)}`,
});

export const tags = z
    .record(
        z.string().min(1).max(128),
        z.string().max(256, "expected length of tag values to be in the range (0 - 256)"),
    )
    .refine((given) => !Object.keys(given).some((key) => key.startsWith("aws:")), {
        error: "Tag keys starting with 'aws:' are reserved for system use",
    });

/** A text that is not empty. */
export const text = z.string().min(1, "expected this not to be an empty string");

/** One of a list of words; the message names them, as the real provider's does. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
    return z.enum(words, {
        error: (issue) =>
            `expected this to be one of ${JSON.stringify(words).replaceAll(",", " ")}, got ${String(issue.input)}`,
    });
}

/** A number in a range, refused in the provider's words. */
export function between(least: number, most: number) {
    const message = `expected this to be in the range (${least} - ${most})`;
    return z.int().min(least, message).max(most, message);
}

/** An IPv4 range whose address is its first, such as 10.0.0.0/16. */
export const cidr = z.string().refine(isNetwork, {
    error: (issue) => `${JSON.stringify(issue.input)} is not a valid IPv4 CIDR block`,
});

function isNetwork(range: string): boolean {
    try {
        const { base, length } = parseRange(range);
        return range.includes("/") && base % 2 ** (32 - length) === 0;
    } catch {
        return false;
    }
}

/** ARNs that the kinds take from each other. */
export function arn(service: string) {
    return z.string().regex(new RegExp(`^arn:aws:${service}:`), {
        error: (issue) => `(${String(issue.input)}) is an invalid ARN: arn: invalid prefix`,
    });
}

/** The bytes of a base64 text; undefined when it is none. */
export function decoded(base64: string): Buffer | undefined {
    const bytes = Buffer.from(base64, "base64");
    return bytes.toString("base64") === base64 ? bytes : undefined;
}

/** A name as IAM takes it. */
export function iamName(most: number) {
    return z
        .string()
        .max(most, `expected length to be in the range (1 - ${most})`)
        .regex(
            /^[\w+=,.@-]+$/,
            "must only contain alphanumeric characters, hyphens, underscores, commas, periods, @ symbols, plus and equals signs",
        );
}
