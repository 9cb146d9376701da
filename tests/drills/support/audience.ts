import { setTimeout as sleep } from "node:timers/promises";

import {
    startDecodingListener,
    startListener,
    type Listener,
    type ListenerOptions,
} from "../../../lab/radio/listener";
import { clock, describeTimeline, type ListenReport } from "../../../lab/radio/report";
import { note } from "./book";
import { limits } from "./limits";
import type { World } from "./world";

interface Seat {
    name: string;
    listener: Listener;
    /** Where the drill begins in what this listener receives, in seconds; before it is what the burst brought along. */
    beginsAt: number;
    /** What its buffer held when the drill began, in seconds. */
    fullSeconds: number;
}

/**
 * A listener with a full buffer. A Relay that has changed its upstream in the last seconds gives less at once, since its
 * burst grows with the stream: who comes then comes again.
 */
async function sit(options: ListenerOptions): Promise<Listener> {
    for (let tries = 0; ; tries++) {
        const listener = options.decode ? await startDecodingListener(options) : startListener(options);
        let filled = 0;
        await listener.waitFor(
            "a filled buffer",
            15_000,
            ({ buffer }) => (filled = buffer.filledSeconds ?? 0) > 0,
        );
        if (filled >= limits.fullBufferSeconds || tries === 10) {
            return listener;
        }
        await listener.stop();
        await sleep(1000);
    }
}

/** What a test expects of everybody who listened. */
export interface Expectation {
    /** The sources heard by those who decode, in order. */
    heard?: string[];
    /** Silences that belong to the programme: longer ones than this, in ms, are left out of the judgement. */
    ownSilencesFrom?: number;
}

/**
 * Listeners in all regions: one on every Relay; two of them decode, one MP3 and one AAC on another Relay, and tell the
 * sources apart.
 */
export class Audience {
    private constructor(
        private readonly world: World,
        private readonly seats: Seat[],
        private readonly processes: Record<string, string[]>,
    ) {}

    /** Takes its seats: returns when all have a full buffer. */
    static async gather(world: World): Promise<Audience> {
        const last = world.relays.length - 1;
        const processes = await world.relayProcesses();
        const seats = await Promise.all(
            world.relays.map(async (relay, index): Promise<Seat> => {
                const codec = index === last && index > 0 ? "aac" : "mp3";
                const decode = index === 0 || index === last;
                const options: ListenerOptions = {
                    netns: `client-${relay.region}`,
                    urls: [world.url(relay, codec)],
                    codec,
                    decode,
                };
                return {
                    name: `${relay.name} ${codec}`,
                    listener: await sit(options),
                    beginsAt: 0,
                    fullSeconds: 0,
                };
            }),
        );
        return new Audience(world, seats, processes);
    }

    /**
     * Waits until all who decode hear a source, and asserts when its first audio arrived.
     *
     * @param since when the cause happened, in milliseconds since 1970.
     * @param withinMs the promise.
     * @returns the longest time it took, in ms.
     */
    async hears(source: string, since: number, withinMs: number, what: string): Promise<number> {
        const arrivals = await Promise.all(
            this.decoding().map(async ({ name, listener }) => {
                // Longer than promised: a figure says more than a timeout.
                const timeoutMs = withinMs + 15_000;
                // What was there before counts from a little earlier: a switch is placed to a quarter of a second.
                const { arrivedAt } = await listener.waitForSource(source, { timeoutMs, since: since - 250 });
                const took = arrivedAt - since;
                note(what, `${source} arrives (ms), ${name}`, took, withinMs);
                return { what, source, seat: name, took };
            }),
        );
        expect(arrivals.filter(({ took }) => took > withinMs)).toEqual([]);
        return Math.max(...arrivals.map(({ took }) => took));
    }

    /** Waits until all who decode hear a source, whenever it began: there the drill begins for them. */
    async hearsNow(source: string, timeoutMs = limits.atLast): Promise<void> {
        await Promise.all(
            this.decoding().map(async (seat) => {
                const { mediaSeconds } = await seat.listener.waitForSource(source, { timeoutMs });
                seat.beginsAt = mediaSeconds;
            }),
        );
        for (const seat of this.seats) {
            seat.fullSeconds = seat.listener.report().buffer.crestSeconds;
        }
    }

    /** Asserts that all who decode hear a source at the moment. */
    expectToHear(source: string): void {
        const heard = this.decoding().map(({ listener }) => listener.report().timeline.at(-1)?.source);
        expect(heard).toEqual(heard.map(() => source));
    }

    /** Leaves, and asserts that nobody noticed anything but the programme. */
    async leaves(what: string, expectation: Expectation = {}): Promise<ListenReport[]> {
        const reports = await Promise.all(this.seats.map(({ listener }) => listener.stop()));
        const experiences = reports.map((report, index) =>
            experience(this.seats[index] as Seat, report, expectation),
        );
        const used = Math.max(...experiences.map((one) => one.usedSeconds));
        const usedLimit =
            expectation.ownSilencesFrom === undefined
                ? limits.bufferUsedSeconds
                : limits.bufferUsedInSilenceSeconds;
        note(what, "buffer used (s)", Math.round(used * 10) / 10, usedLimit);
        const missing = Math.max(...experiences.map((one) => one.missingSeconds));
        note(what, "buffer missing (s)", Math.round(missing * 10) / 10, limits.bufferMissingSeconds);
        note(what, "longest hole (ms)", Math.max(...experiences.map((one) => one.holeMs)), limits.silence);
        note(what, "longest pause (s)", Math.max(...reports.map((report) => report.longestPauseSeconds)), 5);
        const complaints = experiences.filter(
            (one) =>
                one.disconnects > 0 ||
                one.failedAttempts > 0 ||
                one.gapSeconds > 0 ||
                one.usedSeconds > usedLimit ||
                one.missingSeconds > limits.bufferMissingSeconds ||
                one.holeMs > limits.silence ||
                (expectation.heard && one.decoded && one.heard.join() !== expectation.heard.join()),
        );
        if (complaints.length > 0) {
            process.stdout.write(`\n${what}:\n${this.describe()}\n`);
        }
        expect({ heard: expectation.heard, complaints }).toEqual({
            heard: expectation.heard,
            complaints: [],
        });
        expect(await this.world.relayProcesses()).toEqual(this.processes);
        return reports;
    }

    /** Ends listening without judging, after a failure. */
    async abandon(): Promise<void> {
        await Promise.allSettled(this.seats.map(({ listener }) => listener.stop()));
    }

    /** What everybody noticed so far, for a failure's message. */
    describe(): string {
        return this.seats
            .map(({ name, listener }) => {
                const report = listener.latest();
                const lines = report ? describeTimeline(report) : [];
                const state = report
                    ? `${clock(Date.now())} buffer ${report.buffer.nowSeconds.toFixed(1)} s, gaps ` +
                      `${report.gapSeconds.toFixed(1)} s, disconnects ${report.disconnects}`
                    : "nothing yet";
                return [`${name}: ${state}`, ...lines].join("\n    ");
            })
            .join("\n");
    }

    private decoding(): Seat[] {
        return this.seats.filter(({ listener }) => listener.latest()?.decoded);
    }
}

/** What counts of a report, from where the drill began. */
function experience({ name, beginsAt, fullSeconds }: Seat, report: ListenReport, expectation: Expectation) {
    const holes = report.silences
        .filter(({ mediaSeconds }) => mediaSeconds >= beginsAt)
        .map(({ milliseconds }) => milliseconds)
        .filter((milliseconds) => milliseconds < (expectation.ownSilencesFrom ?? Infinity));
    return {
        seat: name,
        disconnects: report.disconnects,
        failedAttempts: report.failedAttempts,
        gapSeconds: report.gapSeconds,
        usedSeconds: (report.buffer.filledSeconds ?? 0) - (report.buffer.lowestSeconds ?? 0),
        missingSeconds: fullSeconds - report.buffer.crestSeconds,
        holeMs: Math.max(0, ...holes),
        decoded: report.decoded,
        heard: report.timeline.filter((one) => one.mediaSeconds >= beginsAt).map(({ source }) => source),
    };
}
