import { z } from "zod";

/** A key that names a secret of the stack's configuration. */
export function secretName(description: string, example: string): z.ZodString {
    return z
        .string()
        .regex(
            /^[a-z][a-zA-Z0-9]*$/,
            "name a secret by letters and digits, such as smtpPassword, and set it by pulumi config set --secret aerial:smtpPassword",
        )
        .meta({
            description: `${description} It names a secret of the stack: \`pulumi config set --secret aerial:${example}\`.`,
            examples: [example],
        });
}
