import { z } from "zod";

const generation = z
    .int({ error: "use a whole number: 1 at first, and one more at each rotation" })
    .min(1, "use 1 or more: 1 at first, and one more at each rotation")
    .max(9999, "use at most 9999")
    .meta({ unit: "generation" });

/** Which generation of each secret is the present one. */
export const rotationSchema = z
    .strictObject({
        linkPassword: generation.default(1).meta({
            description:
                "Password by which the station's machines pull from each other. Raised by one, it changes without order: " +
                "machines accept the previous, the present and the next one.",
            unit: "generation",
            examples: [2],
        }),
        authority: generation.default(1).meta({
            description:
                "The station's CA, with all certificates of links and their keys. Raised by one, it changes without " +
                "order: machines trust the previous, the present and the next one.",
            unit: "generation",
            examples: [2],
        }),
        sources: z
            .record(z.string(), z.record(z.string(), generation))
            .default({})
            .meta({
                description:
                    "Passwords of sources, by channel and source; those that are not named are of generation 1. The old " +
                    "one ends at once, and does not come back when the number is lowered: that makes another new one. An " +
                    "encoder that is connected stays, but its titles are refused until it has the new one.",
                examples: [{ main: { studio: 2 } }],
            }),
        backupKeys: generation.default(1).meta({
            description:
                "The backup's and the recordings' keys at Amazon. The old ones end with the change. The key that decrypts dumps stays: old dumps " +
                "need it.",
            unit: "generation",
            examples: [2],
        }),
        acceptPrevious: z
            .boolean({ error: "use true or false" })
            .default(true)
            .meta({
                description:
                    "Whether machines accept the previous link password and trust the previous CA. Use false after a leak, " +
                    "once the new ones are everywhere.",
                examples: [false],
            }),
    })
    .meta({
        description:
            "Which generation of each secret is the present one. Raise a number to rotate that secret in place: " +
            "docs/runbooks/rotation.md.",
    });

type StationParts = {
    channels: { id: string }[];
    sources: { name: string }[];
    rotation: z.output<typeof rotationSchema>;
};

/** A misspelled name would rotate nothing, and nobody would notice. */
export function refuseRotationMistakes(station: StationParts, context: z.core.$RefinementCtx): void {
    const channels = station.channels.map(({ id }) => id);
    const sources = station.sources.map(({ name }) => name);
    const refuse = (path: string[], input: unknown, message: string): void =>
        context.addIssue({ code: "custom", path: ["rotation", "sources", ...path], input, message });
    for (const [channel, bySource] of Object.entries(station.rotation.sources)) {
        if (!channels.includes(channel)) {
            refuse([channel], bySource, `use a channel of the station: ${channels.join(", ")}`);
            continue;
        }
        for (const [source, given] of Object.entries(bySource)) {
            if (!sources.includes(source)) {
                refuse([channel, source], given, `use a source of the station: ${sources.join(", ")}`);
            }
        }
    }
}
