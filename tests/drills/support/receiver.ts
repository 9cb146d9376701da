import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { sites } from "../../../lab/network/addresses";
import { ensureNetwork } from "../../../lab/network/network";
import { labPath } from "../../../lab/paths";
import { decodedAudio, type Side } from "../../../lab/radio/audio";
import { waitFor } from "../../../lab/workstation/wait";
import { forkAt } from "./child";
import type { Received } from "./receiverMain";

/** The port that the stations of drills name in their settings. */
const port = 9810;

const messageSchema = z.object({
    kind: z.enum(["began", "escalation", "over", "digest", "test"]),
    subject: z.string(),
    text: z.string(),
    alerts: z.array(
        z.object({ alert: z.string(), since: z.string(), labels: z.record(z.string(), z.string()) }),
    ),
    clip: z.object({ name: z.string(), type: z.string(), base64: z.string() }).nullable(),
});

/** A message, and to whom it came and when. */
export interface Told extends z.infer<typeof messageSchema> {
    to: string;
    /** In ms since 1970. */
    atMs: number;
}

/** Who is told by a webhook: the studio and the engineer of drills, and the service that expects a heartbeat. */
export class Receiver {
    /** Every message since the beginning. */
    readonly messages: Told[] = [];
    /** When each heartbeat came, in ms since 1970. */
    readonly heartbeats: number[] = [];
    private readonly expected = new Set<Told>();
    private failure: Error | undefined;

    private constructor(private readonly child: ChildProcess) {
        child.on("exit", (code) => {
            this.failure = new Error(`the receiver's process ended with ${code}`);
        });
    }

    static async open(): Promise<Receiver> {
        await ensureNetwork();
        const child = forkAt("operator", "receiverMain.ts");
        const receiver = new Receiver(child);
        let listening = false;
        child.on("message", (said: Received | "listening") => {
            if (said === "listening") {
                listening = true;
            } else {
                receiver.take(said);
            }
        });
        child.send({ address: sites.operator, port });
        await waitFor(() => Promise.resolve(receiver.failure !== undefined || listening), {
            limitMs: 20_000,
            everyMs: 50,
            complaint: () => "the receiver does not listen",
        });
        if (receiver.failure) {
            throw receiver.failure;
        }
        return receiver;
    }

    private take({ path, body }: Received): void {
        if (path === "/heartbeat") {
            this.heartbeats.push(Date.now());
        } else {
            this.messages.push({
                ...messageSchema.parse(JSON.parse(body)),
                to: path.slice(1),
                atMs: Date.now(),
            });
        }
    }

    /** Waits for a message, which then is an expected one. @throws after `limitMs`, with all that came instead. */
    async tells(what: {
        to: "studio" | "engineer";
        kind: Told["kind"];
        alert: string;
        limitMs: number;
    }): Promise<Told> {
        const found = await waitFor(
            () =>
                Promise.resolve(
                    this.unexpected().find(
                        ({ to, kind, alerts }) =>
                            to === what.to && kind === what.kind && alerts[0]?.alert === what.alert,
                    ),
                ),
            {
                limitMs: what.limitMs,
                everyMs: 100,
                complaint: () =>
                    `${what.to} was not told of ${what.alert} (${what.kind}), but: ${this.describe() || "nothing"}`,
            },
        );
        this.expected.add(found);
        return found;
    }

    /** Messages that nobody has waited for. */
    unexpected(): Told[] {
        return this.messages.filter((message) => !this.expected.has(message));
    }

    /** Forgets every message so far. */
    forget(): void {
        this.messages.splice(0);
    }

    /** What came, for people. */
    describe(messages: readonly Told[] = this.messages): string {
        return messages
            .map(
                ({ to, kind, subject, atMs }) => `${new Date(atMs).toISOString()} ${to}: ${kind}: ${subject}`,
            )
            .join("\n");
    }

    close(): void {
        this.child.removeAllListeners("exit");
        this.child.disconnect();
    }
}

/** The audio of a message's clip: of both sides together, or of one. @throws when there is none. */
export async function clipOf({ subject, text, clip }: Told, side?: Side): Promise<Int16Array> {
    if (clip === null) {
        throw new Error(`"${subject}" has no clip:\n${text}`);
    }
    const folder = mkdtempSync(labPath("audio", ".clip-"));
    try {
        const file = join(folder, clip.name);
        writeFileSync(file, Buffer.from(clip.base64, "base64"));
        return await decodedAudio(file, side);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}
