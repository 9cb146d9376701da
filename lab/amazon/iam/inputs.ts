import { randomBytes } from "node:crypto";

import { z } from "zod";

import { accountFor } from "../settings";
import type { Context } from "../../cloud/kind";

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

export const path = z
    .string()
    .regex(/^\/(?:[\x21-\x7e]+\/)?$/, "must begin and end with a slash (/)")
    .default("/");

/** `arn:aws:iam::<account>:role/<name>` */
export function iamArn(
    context: Context,
    kind: string,
    { name, path }: { name: string; path: string },
): string {
    return `arn:aws:iam::${accountFor(context)}:${kind}${path}${name}`;
}

/** `AIDA…`, `AROA…`, `AIPA…`: an id that is never given again. */
export function uniqueId(prefix: string): string {
    return `${prefix}${randomBytes(11).toString("hex").toUpperCase().slice(0, 17)}`;
}
