import { z } from "zod";

import { restated } from "./errors";

/**
 * Settings of something that a station may do without, by the word `none`.
 *
 * @param settings what it is described by otherwise.
 * @param remedy what to write where it is neither.
 */
export function orNone<T>(
    settings: z.ZodType<T>,
    { description, remedy }: { description: string; remedy: string },
): z.ZodType<T | "none"> {
    return z
        .unknown()
        .transform((given, context): T | "none" => {
            if (given === "none") {
                return "none";
            }
            if (given === undefined || given === null || typeof given !== "object") {
                context.addIssue({ code: "custom", input: given, message: remedy });
                return z.NEVER;
            }
            const result = settings.safeParse(given);
            if (!result.success) {
                // Each mistake under its own key: a union would say only that neither form fits.
                result.error.issues.forEach((issue) => context.addIssue(restated(issue)));
                return z.NEVER;
            }
            return result.data;
        })
        .meta({
            description,
            // For the JSON Schema, which cannot see into the transform. Editors report a mistake against the first form.
            inputForm: z.union([settings, z.literal("none")]),
        });
}
