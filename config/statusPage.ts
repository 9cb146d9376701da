import { z } from "zod";

import { statusPageParts } from "../model/statusPage";
import { orNone } from "./orNone";
import { secretName } from "./secretName";

const settings = z
    .strictObject({
        private: z
            .array(z.enum(statusPageParts, { error: `use parts of the page: ${statusPageParts.join(", ")}` }))
            .default(["masters", "sources", "backup", "alerts", "bill"])
            .meta({
                description:
                    "Parts of the page that only the team sees, at /team/, with a password. What is on air, and the players, " +
                    "everyone sees.",
                examples: [["alerts", "bill"]],
            }),
        teamSecret: secretName("Password of the team's part; the user is team.", "teamPassword").optional(),
    })
    .superRefine(({ private: parts, teamSecret }, context) => {
        if (parts.length > 0 && teamSecret === undefined) {
            context.addIssue({
                code: "custom",
                path: ["teamSecret"],
                input: teamSecret,
                message:
                    "name the secret that is the team's password, such as teamPassword, or write private: []",
            });
        }
    });

export type StatusPageConfig = z.output<typeof settings>;

export const statusPageSchema = orNone(settings, {
    description:
        "The status page at `status.<domain>`, which the monitoring machine serves; none for no page.",
    remedy: 'describe the page, such as { teamSecret: teamPassword }, or say "none"',
}).default("none");
