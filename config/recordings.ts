import { z } from "zod";

import type { AwsConfig } from "./aws";
import { orNone } from "./orNone";

const settings = z.strictObject({
    days: z
        .int({ error: "use a whole number of days" })
        .min(1, "use 1 to 3650 days, such as 31")
        .max(3650, "use 1 to 3650 days, such as 31")
        .default(31)
        .meta({
            description: "How long a recording is kept. Then the bucket deletes it by itself.",
            unit: "days",
            examples: [92],
        }),
    codec: z
        .enum(["mp3", "aac"], { error: "use mp3 or aac" })
        .default("mp3")
        .meta({
            description:
                "Which of a channel's formats is recorded, as it is: nothing is encoded again. A channel without it is recorded in " +
                "its first format.",
            examples: ["aac"],
        }),
    protect: z
        .boolean({ error: "use true or false" })
        .default(true)
        .meta({
            description:
                "Whether Pulumi refuses to remove the bucket of recordings. Amazon refuses while it is not empty in any case.",
            examples: [false],
        }),
});

export type RecordingsConfig = z.output<typeof settings>;

export const recordingsSchema = orNone(settings, {
    description:
        "What went on air, at Amazon: each Master records each channel, in files of an hour with their titles. `aerial-archive` " +
        "cuts them by time. Write none for a station that keeps none.",
    remedy: "describe the recordings, such as `recordings: { days: 31 }`, or write `recordings: none`",
}).default("none");

interface RecordedStation {
    aws?: AwsConfig | undefined;
    recordings: RecordingsConfig | "none";
}

/** Adds a mistake for recordings that have nowhere to go. */
export function refuseRecordingsMistakes(
    { recordings, aws }: RecordedStation,
    context: z.core.$RefinementCtx,
): void {
    if (recordings !== "none" && aws === undefined) {
        context.addIssue({
            code: "custom",
            path: ["aws"],
            input: aws,
            message:
                'recordings are kept at Amazon: give aws: { accountId: "123456789012", region: eu-central-1 }, or write recordings: none',
        });
    }
}
