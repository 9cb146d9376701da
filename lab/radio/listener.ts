import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { inCgroup } from "../workstation/cgroups";
import { ensureImage, imageCommand } from "../machines/image";
import { inNamespace } from "../network/network";
import { labCgroup } from "../paths";
import { decoderArguments, type HeardSource } from "./decoder";
import type { FromListeners, ToListeners } from "./listenerMain";
import type { PlayerOptions } from "./player";
import { describeTimeline, type ListenReport } from "./report";
import type { Heard } from "./tones";

export interface ListenerOptions extends Omit<PlayerOptions, "decoder"> {
    /** Namespace of the lab to listen in, for example `client-ams3`; this process's own network when absent. */
    netns?: string;
    /** Decodes and tells the sources apart; true unless given. Only counting bytes costs next to nothing. */
    decode?: boolean;
}

/** How far the decoder may be behind the audio that has arrived for its report to count as the present, in seconds. */
const decodingLagSeconds = 1;

/**
 * Starts a listener. Many at once are cheap: they share one process for each namespace, and one that does not decode
 * costs only its packets. One that decodes needs the base image (`ensureImage`).
 */
export function startListener(options: ListenerOptions): Listener {
    const { netns, decode = true, ...player } = options;
    const decoder = decode ? imageCommand(decoderArguments(options.codec)) : undefined;
    return ListenerProcess.at(netns).start({ ...player, decoder });
}

/** Makes the base image unless it exists, and starts a listener. */
export async function startDecodingListener(options: ListenerOptions): Promise<Listener> {
    await ensureImage();
    return startListener(options);
}

/** A listener somewhere in the lab. */
export class Listener {
    private newest: ListenReport | undefined;
    private final: ListenReport | undefined;
    private failure: Error | undefined;
    private readonly waiting = new Set<() => void>();

    /** Made by `startListener`. @param askToStop asks the player for its last report. */
    constructor(private readonly askToStop: () => void) {}

    /** The report of a moment ago; undefined in the first moments. */
    latest(): ListenReport | undefined {
        return this.newest;
    }

    /** The same. @throws when there is none yet, see `started`. */
    report(): ListenReport {
        if (!this.newest) {
            throw this.failure ?? new Error("this listener has only just begun: await started() first");
        }
        return this.newest;
    }

    /** Resolves when audio has arrived. @throws after `timeoutMs` (10 s unless given). */
    started(timeoutMs = 10_000): Promise<ListenReport> {
        return this.waitFor("audio", timeoutMs, (report) => report.bytes > 0);
    }

    /**
     * Resolves when the audio that arrives now is from this source.
     *
     * @param options.since ignores what arrived before this moment (milliseconds since 1970) and was over by then.
     * @throws after `timeoutMs`, with the timeline that was heard instead.
     */
    waitForSource(source: Heard, options: { timeoutMs: number; since?: number }): Promise<HeardSource> {
        const { timeoutMs, since = 0 } = options;
        return this.until(source, timeoutMs, ({ timeline, audioSeconds }) => {
            const now = timeline.at(-1);
            // Decoding a burst takes some time: until it is done, the last source heard may be a past one.
            const isPresent = now && now.mediaSeconds + now.seconds > audioSeconds - decodingLagSeconds;
            return isPresent && now.source === source && now.arrivedAt >= since ? now : undefined;
        });
    }

    /** Resolves when the report fulfils a condition. @throws after `timeoutMs`. */
    waitFor(
        what: string,
        timeoutMs: number,
        condition: (report: ListenReport) => boolean,
    ): Promise<ListenReport> {
        return this.until(what, timeoutMs, (report) => (condition(report) ? report : undefined));
    }

    /** Ends listening, and returns the last report. */
    stop(): Promise<ListenReport> {
        this.askToStop();
        return this.until("the last report", 30_000, () => this.final);
    }

    /** Takes a report of the player. */
    take(report: ListenReport, final: boolean): void {
        this.newest = report;
        this.final = final ? report : undefined;
        this.waiting.forEach((look) => look());
    }

    /** Takes the error that ended the player's process. */
    fail(error: Error): void {
        this.failure = error;
        this.waiting.forEach((look) => look());
    }

    private until<T>(
        what: string,
        timeoutMs: number,
        find: (report: ListenReport) => T | undefined,
    ): Promise<T> {
        return new Promise((resolve, reject) => {
            const end = (): void => {
                clearTimeout(timer);
                this.waiting.delete(look);
            };
            const look = (): void => {
                const found = this.newest && find(this.newest);
                if (this.failure) {
                    end();
                    reject(this.failure);
                } else if (found !== undefined) {
                    end();
                    resolve(found);
                }
            };
            const timer = setTimeout(() => {
                end();
                const heard = this.newest ? describeTimeline(this.newest) : [];
                const tried = this.newest?.connections ?? [];
                const urls = tried.map(({ url, ended }) => `${url} ${ended?.reason ?? ""}`);
                reject(new Error([`${what}: not within ${timeoutMs} ms`, ...heard, ...urls].join("\n")));
            }, timeoutMs);
            this.waiting.add(look);
            look();
        });
    }
}

/** The process of all players in one network namespace: a single process can only be in one. */
class ListenerProcess {
    private static readonly running = new Map<string, ListenerProcess>();
    private readonly child: ChildProcess;
    private readonly listeners = new Map<number, Listener>();
    private lastId = 0;

    static at(netns = ""): ListenerProcess {
        const running = ListenerProcess.running.get(netns) ?? new ListenerProcess(netns);
        ListenerProcess.running.set(netns, running);
        return running;
    }

    private constructor(private readonly netns: string) {
        const main = join(__dirname, "listenerMain.ts");
        const argv = [process.execPath, "--require", require.resolve("tsx/cjs"), main];
        // In the lab's cgroup, so that `down` ends it.
        const [program = "", ...args] =
            netns === "" ? argv : inCgroup(labCgroup("listeners"), inNamespace(netns, argv));
        this.child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
        this.child.on("message", (message: FromListeners) => this.receive(message));
        this.child.on("error", (error) => this.fail(error));
        this.child.on("exit", (code, signal) => this.fail(new Error(`ended with ${code ?? signal}`)));
    }

    start(options: PlayerOptions): Listener {
        const id = ++this.lastId;
        const listener = new Listener(() => this.send({ id, stop: true }));
        this.listeners.set(id, listener);
        this.send({ id, start: options });
        return listener;
    }

    private send(message: ToListeners): void {
        this.child.send(message, (error) => error && this.fail(error));
    }

    private receive({ id, report, final }: FromListeners): void {
        this.listeners.get(id)?.take(report, final);
        if (final) {
            this.listeners.delete(id);
            if (this.listeners.size === 0) {
                this.forget();
                this.child.disconnect();
            }
        }
    }

    private fail({ message }: Error): void {
        this.forget();
        const error = new Error(`the process that listens in ${this.netns || "this network"}: ${message}`);
        this.listeners.forEach((listener) => listener.fail(error));
    }

    /** The next listener in this namespace gets a new process. */
    private forget(): void {
        if (ListenerProcess.running.get(this.netns) === this) {
            ListenerProcess.running.delete(this.netns);
        }
    }
}
