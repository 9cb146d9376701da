import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { z } from "zod";

/** What the sheet needs of a stack's outputs (index.ts). Without secrets, Pulumi has a word in their place. */
const schema = z.object({
    station: z.object({ name: z.string() }),
    channels: z.record(
        z.string(),
        z.object({
            title: z.string(),
            formats: z.array(
                z.object({ codec: z.string(), bitrateKbps: z.number(), mount: z.string(), url: z.url() }),
            ),
            playlists: z.array(z.url()),
        }),
    ),
    ingest: z.object({
        host: z.string(),
        port: z.number(),
        tlsPort: z.number(),
        encoder: z.object({ codec: z.literal("mp3"), bitrateKbps: z.number() }),
        sources: z.record(
            z.string(),
            z.record(z.string(), z.object({ title: z.string(), mount: z.string(), user: z.string() })),
        ),
    }),
    ingestPasswords: z
        .union([
            z.record(z.string(), z.record(z.string(), z.string())),
            z.string().transform(() => undefined),
        ])
        .optional(),
    shows: z.object({ libraries: z.record(z.string(), z.string()) }).default({ libraries: {} }),
    status: z.url().optional(),
    machines: z.record(z.string(), z.object({ role: z.string(), address: z.string() })).default({}),
});

export type SheetOutputs = z.output<typeof schema>;

/** @throws when something is missing; the message names it. */
export function readOutputs(text: string): SheetOutputs {
    let outputs: unknown;
    try {
        outputs = JSON.parse(text);
    } catch {
        throw new Error("these outputs are no JSON: make them by `pulumi stack output --json`");
    }
    const result = schema.safeParse(outputs);
    if (!result.success) {
        throw new Error(`the outputs lack something: ${z.prettifyError(result.error)}`);
    }
    return result.data;
}

/** The outputs of a stack, or those in a file. @throws when there are none. */
export async function fetchOutputs({
    stack,
    outputs,
    showSecrets,
}: {
    stack?: string;
    outputs?: string;
    showSecrets: boolean;
}): Promise<SheetOutputs> {
    if ((stack === undefined) === (outputs === undefined)) {
        throw new Error("say which station: --stack <name>, or --outputs <file>");
    }
    if (outputs !== undefined) {
        return readOutputs(readFileSync(outputs === "-" ? 0 : outputs, "utf8"));
    }
    const secrets = showSecrets ? ["--show-secrets"] : [];
    const argv = ["stack", "output", "--json", "--non-interactive", "--stack", stack ?? "", ...secrets];
    const { stdout } = await promisify(execFile)("pulumi", argv, { maxBuffer: 2 ** 26 }).catch(
        (error: NodeJS.ErrnoException & { stderr?: string }) => {
            throw new Error(
                error.code === "ENOENT"
                    ? "there is no `pulumi` on this machine's PATH: install it, or give --outputs"
                    : `pulumi gives no outputs of ${stack}: ${error.stderr?.trim() ?? error.message}`,
            );
        },
    );
    return readOutputs(stdout);
}
