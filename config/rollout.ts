import { z } from "zod";

const wholeNumber = (what: string, least: number, most: number) => {
    const message = `use a whole number of ${what}, ${least} to ${most}`;
    return z.int({ error: message }).min(least, message).max(most, message);
};

const timeOfDay = 'use a time of day in quotes, such as "05:00"';

export const rolloutSchema = z
    .strictObject({
        drainLimitSeconds: wholeNumber("seconds", 0, 86_400)
            .default(7200)
            .meta({
                description:
                    "How long listeners may stay with a Relay that is replaced or removed. Who is left then is closed, " +
                    "and plays on from another Relay. An instance of the canary waits for an hour at most, which is what " +
                    "Amazon allows.",
                unit: "seconds",
                examples: [1800],
            }),
        waitLimitSeconds: wholeNumber("seconds", 0, 86_400)
            .default(300)
            .meta({
                description:
                    "How long pulumi up waits for that. A Relay that still drains then is left behind: it ends by " +
                    "itself, and a later pulumi up deletes it. With 0, every Relay is left behind.",
                unit: "seconds",
                examples: [900],
            }),
        closePerSecond: wholeNumber("listeners", 1, 1000)
            .default(5)
            .meta({
                description:
                    "How many listeners a Relay closes in a second when their time is over: so many come to the others.",
                unit: "listeners",
                examples: [20],
            }),
        quietHour: z
            .string({ error: timeOfDay })
            .regex(/^([01]\d|2[0-3]):[0-5]\d$/, timeOfDay)
            .optional()
            .meta({
                description:
                    "When the hour begins in which droplets are replaced, in the station's timeZone. At other times, pulumi up " +
                    "makes every other change, and says which droplets wait; AERIAL_QUIET_HOUR=no waits for nothing. If " +
                    "you leave it out, every pulumi up replaces droplets.",
                examples: ["05:00"],
            }),
    })
    .meta({
        description: "When droplets are replaced, and how Relays go that are replaced or removed.",
    });

export type RolloutConfig = z.output<typeof rolloutSchema>;

/** The longest that Amazon lets an instance keep its listeners, in seconds. Source: ELB's API reference, 2026-11. */
const amazonLimitSeconds = 3600;

/** How long an instance of the canary keeps its listeners, in seconds. */
export function instanceDrainLimitSeconds({ drainLimitSeconds }: RolloutConfig): number {
    return Math.min(drainLimitSeconds, amazonLimitSeconds);
}
