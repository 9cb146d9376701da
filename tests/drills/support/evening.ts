import { closeSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { labPath } from "../../../lab/paths";
import { samplesOf } from "../../../lab/radio/audio";
import type { Codec } from "../../../lab/radio/frames";
import { startDecodingListener, type Listener } from "../../../lab/radio/listener";
import { followProgramme, jumpsOf, windowsIn } from "../../../lab/radio/programme";
import { describeTimeline, type ListenReport } from "../../../lab/radio/report";
import { detectorRate } from "../../../lab/radio/tones";
import { note } from "./book";
import { limits } from "./limits";
import type { World } from "./world";

interface Seat {
    name: string;
    listener: Listener;
    /** File of all that it heard. */
    recording: string;
    /** What its buffer held when the evening began, in seconds. */
    fullSeconds: number;
}

/** What a listener may notice of an event. */
interface Expectation {
    /** Sources heard from the event on, in order. */
    heard: string[];
    /** Programme that may be lost or repeated at a place, in seconds; not judged when absent. */
    lostSeconds?: number;
    /** The unit that ends and starts again on every Relay; none unless given. */
    restarts?: string;
}

/** Notes that every buffer should be as full as before. @param when for the book, such as "3 s after". */
export type BufferCheck = (when: string) => void;

/** What is wrong for a listener. */
interface Complaint {
    seat: string;
    what: string;
    measured: number | string;
}

/** Recordings are compared from this long before an event, in seconds: two windows and more. */
const beforeSeconds = 6;
/** A title's place is looked for in this much of a recording, in seconds. */
const searchedSeconds = 25;
const codecs: readonly Codec[] = ["mp3", "aac"];

/**
 * Listeners who stay on for a whole evening, one for each mount and Relay. All of them decode, and record what they hear,
 * so that every event is judged by itself: against the programme, and against the buffer with which the evening began.
 */
export class Evening {
    private constructor(
        private readonly world: World,
        private readonly programme: Int16Array,
        private readonly seats: Seat[],
        /** Up to where everything is judged. */
        private judged: Judged,
    ) {}

    /** Returns when all hear the studio, whose programme is given, with full buffers. */
    static async begin(world: World, programme: Int16Array): Promise<Evening> {
        const folder = labPath("recordings");
        mkdirSync(folder, { recursive: true });
        const places = world.relays.flatMap((relay) => codecs.map((codec) => ({ relay, codec })));
        const seats: Seat[] = [];
        try {
            for (const { relay, codec } of places) {
                const recording = `${folder}/${relay.name}.${codec}.pcm`;
                const urls = [world.url(relay, codec)];
                const netns = `client-${relay.region}`;
                const listener = await startDecodingListener({ netns, urls, codec, recording, titles: true });
                seats.push({ name: `${relay.name} ${codec}`, listener, recording, fullSeconds: 0 });
            }
            await world.presentHeard();
            await Promise.all(
                seats.map(({ listener }) => listener.waitForSource("studio", { timeoutMs: limits.atLast })),
            );
        } catch (error) {
            await Promise.allSettled(seats.map(({ listener }) => listener.stop()));
            throw error;
        }
        // A burst's end may come in one lump with the next audio.
        await sleep(2000);
        for (const seat of seats) {
            seat.fullSeconds = seat.listener.report().buffer.crestSeconds;
        }
        return new Evening(world, programme, seats, await stateOf(world, seats));
    }

    /** One event and all that follows from it, judged at its end, with the time since the one before. */
    async during(
        what: string,
        expectation: Expectation,
        happens: (buffersKept: BufferCheck) => Promise<void>,
    ): Promise<void> {
        const { reports: before, processes } = this.judged;
        const complaints: Complaint[] = [];
        const tell = (): void => {
            const lines = complaints.map(({ seat, what: of, measured }) => `${seat}: ${measured} ${of}`);
            process.stdout.write(`\n${what}:\n${[...lines, this.describe(before)].join("\n")}\n`);
        };
        try {
            await happens((when) => complaints.push(...this.buffersNotKept(what, when)));
        } catch (error) {
            tell();
            throw error;
        } finally {
            this.judged = await stateOf(this.world, this.seats);
        }
        complaints.push(
            ...this.seats.flatMap((seat, index) =>
                noticed(what, seat, before[index] as ListenReport, expectation),
            ),
            ...(expectation.lostSeconds === undefined
                ? []
                : this.programmeLost(what, before, expectation.lostSeconds)),
        );
        if (complaints.length > 0) {
            tell();
        }
        expect(complaints).toEqual([]);
        expect(restarted(processes, this.judged.processes)).toEqual(
            this.world.relays.map(({ name }) => [name, [expectation.restarts ?? []].flat()]),
        );
    }

    /** Waits until all hear a source that began after a moment; notes how long that took, in ms. */
    async hears(source: string, since: number, withinMs: number, what: string): Promise<void> {
        const took = await Promise.all(
            this.seats.map(async ({ listener }) => {
                const timeoutMs = withinMs + 15_000;
                const heard = await listener.waitForSource(source, { timeoutMs, since: since - 250 });
                return heard.arrivedAt - since;
            }),
        );
        note(what, `${source} arrives (ms)`, Math.max(...took), withinMs);
        expect(took.filter((time) => time > withinMs)).toEqual([]);
    }

    /** What everybody has heard so far. */
    reports(): ListenReport[] {
        return this.seats.map(({ listener }) => listener.report());
    }

    /**
     * Waits until all have a title, and judges its place: where the source began to send it in its programme, or, without
     * such a place, where the last source began to be heard.
     */
    async titleIsInPlace(what: string, title: RegExp, programmeSeconds?: number): Promise<void> {
        const complaints: Complaint[] = [];
        const limitSeconds =
            limits.titleMisplacedSeconds + (programmeSeconds === undefined ? limits.toneMisplacedSeconds : 0);
        let worst = 0;
        for (const { name, listener, recording } of this.seats) {
            const { titles, audioSeconds, timeline } = await listener.waitFor(
                `the title ${title}`,
                limits.titleArrives,
                (report) => title.test(report.titles.at(-1)?.title ?? ""),
            );
            const from = Math.max(0, audioSeconds - searchedSeconds);
            const due =
                programmeSeconds === undefined
                    ? timeline.at(-1)?.mediaSeconds
                    : from + placeOf(programmeSeconds, samplesFrom(recording, from), this.programme);
            const late = (titles.at(-1)?.mediaSeconds ?? 0) - (due ?? NaN);
            worst = further(worst, late);
            if (!(Math.abs(late) <= limitSeconds)) {
                complaints.push({ seat: name, what: "s that the title is late", measured: rounded(late) });
            }
        }
        note(what, "title late (s)", rounded(worst), limitSeconds);
        expect(complaints).toEqual([]);
    }

    async end(): Promise<void> {
        await Promise.allSettled(this.seats.map(({ listener }) => listener.stop()));
    }

    private buffersNotKept(what: string, when: string): Complaint[] {
        const missing = this.seats.map(({ name, listener, fullSeconds }) => ({
            seat: name,
            seconds: fullSeconds - listener.report().buffer.crestSeconds,
        }));
        const worst = missing.map(({ seconds }) => seconds).reduce(further, 0);
        note(what, `buffer missing ${when} (s)`, rounded(worst), limits.bufferMissingSeconds);
        return missing
            .filter(({ seconds }) => Math.abs(seconds) > limits.bufferMissingSeconds)
            .map(({ seat, seconds }) => ({
                seat,
                what: `s missing in the buffer ${when}`,
                measured: rounded(seconds),
            }));
    }

    private programmeLost(what: string, before: ListenReport[], limit: number): Complaint[] {
        const complaints: Complaint[] = [];
        let worst = 0;
        this.seats.forEach(({ name, recording }, index) => {
            const from = Math.max(0, (before[index]?.audioSeconds ?? 0) - beforeSeconds);
            const samples = samplesFrom(recording, from);
            const places = followProgramme(samples, this.programme, detectorRate);
            const windows = windowsIn(samples, detectorRate);
            if (places.length < windows / 2) {
                complaints.push({
                    seat: name,
                    what: "windows of the recording that are in the programme",
                    measured: `${places.length} of ${windows}`,
                });
            }
            for (const { mediaSeconds, lostSeconds: jump } of jumpsOf(places)) {
                // The encoder plays its file in a loop.
                const length = this.programme.length / detectorRate;
                const lostSeconds = jump - length * Math.round(jump / length);
                worst = further(worst, lostSeconds);
                if (Math.abs(lostSeconds) > limit) {
                    complaints.push({
                        seat: name,
                        what: `s of programme lost at ${rounded(from + mediaSeconds)} s`,
                        measured: rounded(lostSeconds),
                    });
                }
            }
        });
        note(what, "programme lost at a place (s)", rounded(worst), limit);
        return complaints;
    }

    /** What everybody heard since reports of before, for a failure's message. */
    private describe(before: ListenReport[]): string {
        return this.seats
            .map(({ name, listener }, index) => {
                const { timeline, titles, silences, ...rest } = listener.report();
                const since = before[index]?.audioSeconds ?? 0;
                const recent = <T extends { mediaSeconds: number }>(all: T[]): T[] =>
                    all.filter(({ mediaSeconds }) => mediaSeconds > since - beforeSeconds);
                const { nowSeconds, lowestSeconds } = rest.buffer;
                const lines = describeTimeline({
                    ...rest,
                    timeline: [...timeline.slice(-1), ...recent(timeline.slice(0, -1))],
                    titles: recent(titles),
                    silences: recent(silences),
                });
                const state =
                    `from ${since.toFixed(1)} s: buffer ${nowSeconds.toFixed(1)} s, lowest ever ` +
                    `${(lowestSeconds ?? 0).toFixed(1)} s, gaps ${rest.gapSeconds.toFixed(1)} s, ` +
                    `disconnects ${rest.disconnects}`;
                return [`${name}: ${state}`, ...lines].join("\n    ");
            })
            .join("\n");
    }
}

/** The listeners' evening. Throws without one: there is nothing to judge. */
export function seated(evening: Evening | undefined): Evening {
    if (evening === undefined) {
        throw new Error("the listeners were not seated");
    }
    return evening;
}

interface Judged {
    reports: ListenReport[];
    processes: Record<string, string[]>;
}

async function stateOf(world: World, seats: Seat[]): Promise<Judged> {
    return {
        reports: seats.map(({ listener }) => listener.report()),
        processes: await world.relayProcesses(),
    };
}

/** Units that are another process now, by Relay. */
function restarted(before: Judged["processes"], now: Judged["processes"]): [string, string[]][] {
    return Object.entries(now).map(([relay, units]) => [
        relay,
        units
            .filter((unit) => !before[relay]?.includes(unit))
            .map((unit) => /\bId=(\S+)/.exec(unit)?.[1] ?? unit),
    ]);
}

/** What a listener noticed since a report of before, but for buffer and programme. */
function noticed(
    what: string,
    { name, listener }: Seat,
    before: ListenReport,
    { heard }: Expectation,
): Complaint[] {
    const now = listener.report();
    const counted: [string, number][] = [
        ["disconnects", now.disconnects - before.disconnects],
        ["failed attempts", now.failedAttempts - before.failedAttempts],
        ["s of gap", rounded(now.gapSeconds - before.gapSeconds)],
    ];
    const since = before.audioSeconds;
    const holes = now.silences
        .filter(({ mediaSeconds }) => mediaSeconds > since)
        .map(({ milliseconds }) => milliseconds);
    const longest = Math.max(0, ...holes);
    note(what, `longest hole (ms), ${name}`, longest, limits.silence);
    const sources = now.timeline
        .filter(({ mediaSeconds, seconds }) => mediaSeconds + seconds > since)
        .map(({ source }) => source);
    return [
        ...counted
            .filter(([, count]) => count > 0)
            .map(([of, measured]) => ({ seat: name, what: of, measured })),
        ...(longest > limits.silence ? [{ seat: name, what: "ms of silence", measured: longest }] : []),
        ...(sources.join() === heard.join()
            ? []
            : [{ seat: name, what: "sources heard", measured: sources.join(", ") }]),
    ];
}

/** Where in a recording a place of the programme is, in seconds; NaN if the recording has nothing of it. */
function placeOf(programmeSeconds: number, recording: Int16Array, programme: Int16Array): number {
    const [nearest] = followProgramme(recording, programme, detectorRate).sort(
        (a, b) =>
            Math.abs(a.programmeSeconds - programmeSeconds) - Math.abs(b.programmeSeconds - programmeSeconds),
    );
    return nearest === undefined ? NaN : nearest.mediaSeconds + programmeSeconds - nearest.programmeSeconds;
}

/** A recording from a position on, in seconds. */
function samplesFrom(recording: string, from: number): Int16Array {
    const start = 2 * Math.round(from * detectorRate);
    const bytes = Buffer.alloc(Math.max(0, statSync(recording).size - start));
    const file = openSync(recording, "r");
    try {
        readSync(file, bytes, 0, bytes.length, start);
    } finally {
        closeSync(file);
    }
    return samplesOf(bytes);
}

/** Whichever is further from 0. */
const further = (one: number, other: number): number => (Math.abs(other) > Math.abs(one) ? other : one);

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;
