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
                const listener = decode ? await startDecodingListener(options) : startListener(options);
                return { name: `${relay.name} ${codec}`, listener };
            }),
        );
        const audience = new Audience(world, seats, processes);
        await Promise.all(
            seats.map(({ listener }) =>
                listener.waitFor("a full buffer", 15_000, (report) => report.buffer.filledSeconds !== null),
            ),
        );
        return audience;
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
            this.decoding().map(({ listener }) =>
                // Longer than promised: a figure says more than a timeout.
                listener.waitForSource(source, { timeoutMs: withinMs + 15_000, since: since - 250 }),
            ),
        );
        const took = Math.max(...arrivals.map(({ arrivedAt }) => arrivedAt - since));
        note(what, `${source} arrives`, took, withinMs);
        expect({ what, source, tookMs: took, isInTime: took <= withinMs }).toMatchObject({ isInTime: true });
        return took;
    }

    /** Waits until all who decode hear a source, whenever it began. */
    async hearsNow(source: string, timeoutMs = 20_000): Promise<void> {
        await Promise.all(
            this.decoding().map(({ listener }) => listener.waitForSource(source, { timeoutMs })),
        );
    }

    /** Leaves, and asserts that nobody noticed anything but the programme. */
    async leaves(what: string, expectation: Expectation = {}): Promise<ListenReport[]> {
        const reports = await Promise.all(this.seats.map(({ listener }) => listener.stop()));
        const lowest = Math.min(...reports.map((report) => report.buffer.lowestSeconds ?? 0));
        note(what, "lowest buffer (s)", Math.round(lowest * 10) / 10, limits.lowestBufferSeconds);
        note(
            what,
            "longest silence (ms)",
            Math.max(...reports.map((report) => holes(report, expectation))),
            limits.silence,
        );
        const experiences = reports.map((report, index) => ({
            seat: this.seats[index]?.name ?? "",
            ...experience(report, expectation),
        }));
        expect(experiences).toEqual(
            reports.map((report, index) => ({
                seat: this.seats[index]?.name ?? "",
                disconnects: 0,
                failedAttempts: 0,
                gapSeconds: 0,
                lowBuffer: false,
                holeMs: 0,
                heard: report.decoded ? (expectation.heard ?? heardOf(report)) : [],
            })),
        );
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

const heardOf = (report: ListenReport): string[] => report.timeline.map(({ source }) => source);

/** The longest hole in the audio that is not part of the programme, in ms. */
function holes(report: ListenReport, { ownSilencesFrom = Infinity }: Expectation): number {
    const foreign = report.silences.filter(({ milliseconds }) => milliseconds < ownSilencesFrom);
    return Math.max(0, ...foreign.map(({ milliseconds }) => milliseconds));
}

function experience(report: ListenReport, expectation: Expectation) {
    const hole = holes(report, expectation);
    return {
        disconnects: report.disconnects,
        failedAttempts: report.failedAttempts,
        gapSeconds: report.gapSeconds,
        lowBuffer: (report.buffer.lowestSeconds ?? 0) < limits.lowestBufferSeconds,
        holeMs: hole <= limits.silence ? 0 : hole,
        heard: heardOf(report),
    };
}
