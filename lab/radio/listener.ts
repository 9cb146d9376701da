import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { inCgroup } from "../workstation/cgroups";
import { ensureImage, imageCommand } from "../machines/image";
import { inNamespace } from "../network/network";
import { labCgroup } from "../paths";
import { decoderArguments, type HeardSource } from "./decoder";
import type { FromListeners, ToListeners } from "./listenerProtocol";
import type { PlayerOptions } from "./player";
import { describeTimeline, type ListenReport } from "./report";
import type { Heard } from "./tones";

export interface ListenerOptions extends Omit<PlayerOptions, "decoder"> {
    /** Namespace of the lab to listen in, for example `client-ams3`; this process's own network when absent. */
    netns?: string;
    /** Decodes and tells the sources apart; true unless given. Watching bytes alone costs next to nothing. */
    decode?: boolean;
}

/** Someone who listens, somewhere in the lab. */
export interface Listener {
    /** What was experienced until a moment ago; undefined in the first moments. */
    latest(): ListenReport | undefined;
    /** The same. @throws when there is none yet, see `started`. */
    report(): ListenReport;
    /** Resolves when audio has arrived. @throws after `timeoutMs` (10 s unless given). */
    started(timeoutMs?: number): Promise<ListenReport>;
    /**
     * Resolves when the audio that arrives now is from this source.
     *
     * @param options.since ignores what arrived before this moment (milliseconds since 1970) and was over by then.
     * @throws after `timeoutMs`, with the timeline that was heard instead.
     */
    waitForSource(source: Heard, options: { timeoutMs: number; since?: number }): Promise<HeardSource>;
    /** Resolves when the report fulfils a condition. @throws after `timeoutMs`. */
    waitFor(
        what: string,
        timeoutMs: number,
        condition: (report: ListenReport) => boolean,
    ): Promise<ListenReport>;
    /** Ends listening. */
    stop(): Promise<ListenReport>;
}

/** How far the decoder may be behind what has arrived, in seconds, for its last word to be about the present. */
const decodingLagSeconds = 1;

interface Entry {
    latest?: ListenReport;
    failure?: Error;
    changed: Set<() => void>;
    final?: (report: ListenReport) => void;
}

/** One process in a network namespace, for all players there: a namespace cannot be entered by half a process. */
class Host {
    private static readonly running = new Map<string, Host>();
    private readonly child: ChildProcess;
    private readonly entries = new Map<number, Entry>();
    private lastId = 0;

    static of(netns: string | undefined): Host {
        const key = netns ?? "";
        const host = Host.running.get(key) ?? new Host(key);
        Host.running.set(key, host);
        return host;
    }

    private constructor(private readonly netns: string) {
        const argv = [
            process.execPath,
            "--require",
            require.resolve("tsx/cjs"),
            join(__dirname, "listenerMain.ts"),
        ];
        // In the lab's cgroup, so that `down` ends it too.
        const [program = "", ...args] =
            netns === "" ? argv : inCgroup(labCgroup("listeners"), inNamespace(netns, argv));
        this.child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
        this.child.on("message", (message: FromListeners) => this.hear(message));
        this.child.on("error", (error) => this.fail(error));
        this.child.on("exit", (code, signal) => this.fail(new Error(`ended with ${code ?? signal}`)));
    }

    add(options: PlayerOptions): { id: number; entry: Entry } {
        const id = ++this.lastId;
        const entry: Entry = { changed: new Set() };
        this.entries.set(id, entry);
        this.send({ id, start: options });
        return { id, entry };
    }

    stop(id: number): Promise<ListenReport> {
        return new Promise((resolve, reject) => {
            const entry = this.entries.get(id);
            if (!entry || entry.failure) {
                reject(entry?.failure ?? new Error("this listener has stopped already"));
                return;
            }
            entry.final = resolve;
            entry.changed.add(() => entry.failure && reject(entry.failure));
            this.send({ id, stop: true });
        });
    }

    private send(message: ToListeners): void {
        this.child.send(message, (error) => error && this.fail(error));
    }

    private hear({ id, report, final }: FromListeners): void {
        const entry = this.entries.get(id);
        if (!entry) {
            return;
        }
        entry.latest = report;
        entry.changed.forEach((notice) => notice());
        if (final) {
            this.entries.delete(id);
            entry.final?.(report);
            if (this.entries.size === 0) {
                Host.running.delete(this.netns);
                this.child.disconnect();
            }
        }
    }

    private fail(error: Error): void {
        if (Host.running.get(this.netns) === this) {
            Host.running.delete(this.netns);
        }
        for (const entry of this.entries.values()) {
            entry.failure = new Error(
                `the process that listens in ${this.netns || "this network"}: ${error.message}`,
            );
            entry.changed.forEach((notice) => notice());
        }
    }
}

/**
 * Starts a listener. Many at once are cheap: they share a process per namespace, and only those that decode cost more
 * than a few packets.
 *
 * A listener that decodes needs the base image (`ensureImage`).
 */
export function startListener(options: ListenerOptions): Listener {
    const { netns, decode = true, ...player } = options;
    const decoder = decode ? imageCommand(decoderArguments(options.codec)) : undefined;
    const host = Host.of(netns);
    const { id, entry } = host.add({ ...player, decoder });
    return new RemoteListener(host, id, entry);
}

/** As `startListener`, and makes sure of the base image first. */
export async function startDecodingListener(options: ListenerOptions): Promise<Listener> {
    await ensureImage();
    return startListener(options);
}

class RemoteListener implements Listener {
    constructor(
        private readonly host: Host,
        private readonly id: number,
        private readonly entry: Entry,
    ) {}

    latest(): ListenReport | undefined {
        return this.entry.latest;
    }

    report(): ListenReport {
        if (!this.entry.latest) {
            throw this.entry.failure ?? new Error("this listener has only just begun: await started() first");
        }
        return this.entry.latest;
    }

    started(timeoutMs = 10_000): Promise<ListenReport> {
        return this.waitFor("audio", timeoutMs, (report) => report.bytes > 0);
    }

    async waitForSource(source: Heard, options: { timeoutMs: number; since?: number }): Promise<HeardSource> {
        const matches = (report: ListenReport): HeardSource | undefined => {
            const now = report.timeline.at(-1);
            // A burst is decoded in less time than it lasts, but not in none: what is heard in its midst is past.
            const isPresent =
                now && now.mediaSeconds + now.seconds > report.audioSeconds - decodingLagSeconds;
            return isPresent && now.source === source && now.arrivedAt >= (options.since ?? 0)
                ? now
                : undefined;
        };
        const report = await this.waitFor(
            source,
            options.timeoutMs,
            (latest) => matches(latest) !== undefined,
        );
        const heard = matches(report);
        if (!heard) {
            throw new Error(`${source} was heard and is gone`);
        }
        return heard;
    }

    waitFor(
        what: string,
        timeoutMs: number,
        condition: (report: ListenReport) => boolean,
    ): Promise<ListenReport> {
        return new Promise((resolve, reject) => {
            const done = (): void => {
                clearTimeout(timer);
                this.entry.changed.delete(look);
            };
            const look = (): void => {
                const { latest, failure } = this.entry;
                if (failure) {
                    done();
                    reject(failure);
                } else if (latest && condition(latest)) {
                    done();
                    resolve(latest);
                }
            };
            const timer = setTimeout(() => {
                done();
                const heard = this.entry.latest ? describeTimeline(this.entry.latest) : [];
                const tried = this.entry.latest?.connections.map(
                    ({ url, ended }) => `${url} ${ended?.reason ?? ""}`,
                );
                reject(
                    new Error([`${what}: not within ${timeoutMs} ms`, ...heard, ...(tried ?? [])].join("\n")),
                );
            }, timeoutMs);
            this.entry.changed.add(look);
            look();
        });
    }

    stop(): Promise<ListenReport> {
        return this.host.stop(this.id);
    }
}
