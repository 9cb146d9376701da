import { gunzipSync } from "node:zlib";

import { z } from "zod";

const named = z.record(z.string(), z.string());

const deliverySchema = z.strictObject({
    packages: z.array(z.string()),
    masked: z.array(z.string()),
    units: z.array(z.string()),
    services: z.array(
        z.strictObject({
            unit: z.string(),
            reads: z.array(z.string()),
            on_change: z.enum(["reload", "restart", "nothing"]),
            check: z.array(z.string()),
            packages: z.array(z.string()),
            well: z.array(z.string()),
        }),
    ),
    files: z.array(
        z.strictObject({
            path: z.string(),
            mode: z.string(),
            owner: z.string(),
            content: z.string(),
            format: z.string().nullable(),
        }),
    ),
    secrets: z.strictObject({ values: named, files: named }),
    ready_seconds: z.number(),
});

/** What the text of a delivery says, as a machine reads it. */
export function readDelivery(text: string): z.infer<typeof deliverySchema> {
    return deliverySchema.parse(JSON.parse(gunzipSync(Buffer.from(text, "base64")).toString("utf8")));
}

/** The texts of its files by path; secrets are placeholders in them. */
export function filesOf(text: string): Record<string, string> {
    return Object.fromEntries(readDelivery(text).files.map(({ path, content }) => [path, content]));
}
