import { z } from "zod";

/**
 * What `source`, `listen` and the drills know about the station: its stack outputs, as a studio team gets them. They use
 * nothing else of the lab, so that a missing output is noticed.
 */
const schema = z.object({
    channels: z.record(
        z.string(),
        z.object({
            title: z.string(),
            formats: z.array(
                z.object({
                    codec: z.enum(["mp3", "aac"]),
                    bitrateKbps: z.number(),
                    mount: z.string(),
                    contentType: z.string(),
                    url: z.url(),
                }),
            ),
            playlists: z.array(z.url()),
        }),
    ),
    names: z.object({
        stream: z.string(),
        ingest: z.string(),
        regions: z.record(z.string(), z.string()),
    }),
    ingest: z.object({
        host: z.string(),
        port: z.number(),
        tlsPort: z.number(),
        masters: z.array(z.object({ id: z.string(), host: z.string(), port: z.number() })).min(1),
        encoder: z.object({ codec: z.literal("mp3"), bitrateKbps: z.number() }),
        sources: z.record(
            z.string(),
            z.record(z.string(), z.object({ mount: z.string(), user: z.string() })),
        ),
    }),
    ingestPasswords: z.record(z.string(), z.record(z.string(), z.string())),
    listen: z.record(z.string(), z.array(z.string())),
    /** Address of the status page, of a station that has one. */
    status: z.url().optional(),
    shows: z.object({ libraries: z.record(z.string(), z.string()) }).default({ libraries: {} }),
    machines: z.record(z.string(), z.object({ role: z.string(), region: z.string(), address: z.string() })),
});

export type StationOutputs = z.infer<typeof schema>;

/** @throws when the outputs lack what an encoder or a player needs; the message names it. */
export function parseOutputs(outputs: unknown): StationOutputs {
    const result = schema.safeParse(outputs);
    if (!result.success) {
        throw new Error(`the stack's outputs lack something: ${z.prettifyError(result.error)}`);
    }
    return result.data;
}

/** An entry of a table of outputs. @throws with what there is when it is missing. */
export function pick<T>(table: Readonly<Record<string, T>>, what: string, name: string): T {
    const found = Object.hasOwn(table, name) ? table[name] : undefined;
    if (found === undefined) {
        throw new Error(
            `there is no ${what} ${JSON.stringify(name)}; there are ${Object.keys(table).join(", ") || "none"}`,
        );
    }
    return found;
}
