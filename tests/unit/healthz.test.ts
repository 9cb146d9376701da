import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";

import fc from "fast-check";

interface Sample {
    atMs: number;
    mounts: Record<string, { bytes: number; listeners: number }>;
    upstreams?: Record<string, string | null>;
    fed?: Record<string, number | null>;
    drains?: Record<string, Drain>;
}

interface Drain {
    until: number;
    listeners: Record<string, number>;
}

interface Relay {
    listenerLimit: number;
    channels: { mounts: { mount: string }[] }[];
}

interface Verdict {
    healthy: boolean;
    reasons: string[];
    faults: string[];
    known: boolean;
    full: boolean;
    listeners: number;
    mounts: Record<string, { upstream: string | null; listeners: number }>;
    drains: Record<string, Drain>;
}

interface Health {
    parseStats(xml: string, atMs: number): Sample;
    remember(samples: Sample[], sample: Sample): Sample[];
    stateOf(mount: string, samples: Sample[]): string;
    mountsOf(relay: Relay): string[];
    judge(relay: Relay, samples: Sample[], nowMs: number, draining: boolean, wasFull: boolean): Verdict;
}

/** The module as NGINX gets it; njs and Node.js differ only in how a module is loaded. */
function loadHealth(): Health {
    const path = join(__dirname, "..", "..", "config-templates", "machine/health/health.js");
    const source = readFileSync(path, "utf8").replace("export default", "return");
    return runInThisContext(`(() => {${source}})()`) as Health;
}

const health = loadHealth();

const relay: Relay = { listenerLimit: 100, channels: [{ mounts: [{ mount: "/main.mp3" }] }] };

/**
 * Samples every 2 s, as NGINX takes them. `bytes(seconds)` is what Icecast has received, which it counts every 5 s;
 * undefined while there is no source.
 */
function observe(
    seconds: number,
    bytes: (second: number) => number | undefined,
    listeners = 0,
    upstream: string | null = "a",
): Sample[] {
    let samples: Sample[] = [];
    for (let second = 0; second <= seconds; second += 2) {
        const count = bytes(second);
        samples = health.remember(samples, {
            atMs: second * 1000,
            mounts: count === undefined ? {} : { "/main.mp3": { bytes: count, listeners } },
            upstreams: { "/main.mp3": upstream },
        });
    }
    return samples;
}

/** A source that has always sent. */
const steady = (second: number) => counted(second);

/** What Icecast shows of a source that has sent 24 kB/s since a time, and no more after another. */
function counted(second: number, since = 0, until = Infinity): number {
    const lastCount = since + Math.floor((second - since) / 5) * 5;
    return 24000 * Math.max(0, Math.min(lastCount, until) - since);
}

function judgeAt(seconds: number, samples: Sample[], draining = false, wasFull = false): Verdict {
    return health.judge(relay, samples, seconds * 1000, draining, wasFull);
}

describe("health of a Relay", () => {
    it("is good while the audio advances, and names the upstream that the feed plays", () => {
        expect(judgeAt(20, observe(20, steady, 7))).toEqual({
            healthy: true,
            reasons: [],
            faults: [],
            known: true,
            full: false,
            listeners: 7,
            mounts: { "/main.mp3": { upstream: "a", listeners: 7 } },
            drains: {},
        });
    });

    it("is good from the first sample of a new slot that the feed has brought audio to for 6 s", () => {
        const first = (fed?: number | null) => {
            const [sample] = observe(0, steady);
            return judgeAt(0, [{ ...sample!, ...(fed !== undefined && { fed: { "/main.mp3": fed } }) }]);
        };
        expect(first(6).healthy).toBe(true);
        for (const fed of [5.9, null, undefined]) {
            expect(first(fed)).toMatchObject({
                healthy: false,
                reasons: ["/main.mp3 has no audio that is known to advance"],
            });
        }
    });

    it("is bad when Icecast stands still or has no mount, also if the feed says that it brings audio", () => {
        const fed = { "/main.mp3": 100 };
        const standing = observe(20, (second) => counted(second, 0, 5)).map((sample) => ({ ...sample, fed }));
        expect(judgeAt(20, standing).reasons).toEqual(["/main.mp3 stands still"]);
        const absent = observe(20, () => undefined).map((sample) => ({ ...sample, fed }));
        expect(judgeAt(20, absent).healthy).toBe(false);
    });

    it("counts the listeners of slots that drain, also where the present slot has none yet", () => {
        const drains = {
            b: { until: 1000, listeners: { "/main.mp3": 60 } },
            c: { until: 2000, listeners: { "/main.mp3": 33, "/gone.mp3": 9 } },
        };
        const samples = observe(20, steady, 7).map((sample) => ({ ...sample, drains }));
        expect(judgeAt(20, samples)).toMatchObject({
            healthy: false,
            reasons: ["full: 100 of 100 listeners"],
            full: true,
            listeners: 100,
            mounts: { "/main.mp3": { listeners: 100 } },
            drains,
        });
        const absent = observe(20, () => undefined).map((sample) => ({ ...sample, drains }));
        expect(judgeAt(20, absent).listeners).toBe(93);
        expect(judgeAt(90, samples).drains).toEqual({});
    });

    it("is good while only standby audio plays, and says so", () => {
        expect(judgeAt(20, observe(20, steady, 0, "standby"))).toMatchObject({
            healthy: true,
            mounts: { "/main.mp3": { upstream: "standby" } },
        });
    });

    it("is good while the feed starts again, and names no upstream then", () => {
        const samples = observe(20, steady, 7);
        const last = samples.at(-1)!;
        const untold: Sample["upstreams"][] = [undefined, {}, { "/main.mp3": null }];
        for (const upstreams of untold) {
            expect(judgeAt(20, [...samples.slice(0, -1), { ...last, upstreams }])).toMatchObject({
                healthy: true,
                mounts: { "/main.mp3": { upstream: null, listeners: 7 } },
            });
        }
    });

    it("is bad until the audio has grown for 6 s", () => {
        const samples = (seconds: number) => observe(seconds, steady);
        expect(judgeAt(0, samples(0)).healthy).toBe(false);
        expect(judgeAt(4, samples(4)).healthy).toBe(false);
        expect(judgeAt(6, samples(6)).healthy).toBe(true);
    });

    it("is bad when a mount stands still, whatever the feed says", () => {
        const samples = observe(20, (second) => counted(second, 0, 5));
        expect(judgeAt(20, samples)).toMatchObject({
            healthy: false,
            reasons: ["/main.mp3 stands still"],
            mounts: { "/main.mp3": { upstream: "a" } },
        });
    });

    it("is bad when a mount has no source", () => {
        const samples = observe(20, () => undefined, 0, null);
        expect(judgeAt(20, samples)).toMatchObject({
            healthy: false,
            reasons: ["/main.mp3 has no audio that is known to advance"],
            mounts: { "/main.mp3": { upstream: null, listeners: 0 } },
        });
    });

    it("is bad when one mount of many has no audio, and counts the listeners of all", () => {
        const channels = [
            { mounts: [{ mount: "/main.mp3" }, { mount: "/main.aac" }] },
            { mounts: [{ mount: "/night.mp3" }] },
        ];
        expect(health.mountsOf({ ...relay, channels })).toEqual(["/main.mp3", "/main.aac", "/night.mp3"]);
        const samples = observe(20, steady, 7).map((sample) => ({
            ...sample,
            mounts: { ...sample.mounts, "/main.aac": { bytes: 5, listeners: 3 } },
        }));
        expect(health.judge({ ...relay, channels }, samples, 20_000, false, false)).toMatchObject({
            healthy: false,
            reasons: ["/main.aac stands still", "/night.mp3 has no audio that is known to advance"],
            listeners: 10,
        });
    });

    it("does not take a source's count from before a reconnect for growth", () => {
        const samples = observe(20, (second) => (second < 18 ? 1000 * 24000 : counted(second, 18)));
        expect(health.stateOf("/main.mp3", samples)).toBe("new");
        expect(judgeAt(20, samples).healthy).toBe(false);
    });

    it("is bad when Icecast has told nothing for more than 6 s", () => {
        const samples = observe(20, steady, 7);
        expect(judgeAt(26, samples).healthy).toBe(true);
        expect(judgeAt(27, samples)).toMatchObject({
            healthy: false,
            reasons: ["Icecast tells nothing about itself"],
            mounts: { "/main.mp3": { upstream: null, listeners: 0 } },
        });
        expect(judgeAt(0, []).healthy).toBe(false);
    });

    it("is bad when the clock was set back, until there are samples of the new time", () => {
        const samples = observe(20, steady);
        const after = health.remember(samples, { atMs: 1000, mounts: samples.at(-1)?.mounts ?? {} });
        expect(after.map((sample) => sample.atMs)).toEqual([1000]);
        expect(judgeAt(1, after).healthy).toBe(false);
    });

    it("is bad when draining or full, with both reasons at once", () => {
        expect(judgeAt(20, observe(20, steady, 100), true)).toMatchObject({
            healthy: false,
            reasons: ["draining", "full: 100 of 100 listeners"],
        });
        expect(judgeAt(20, observe(20, steady, 99)).healthy).toBe(true);
    });

    it("calls it no fault to drain or to be full, and tells faults beside", () => {
        expect(judgeAt(20, observe(20, steady, 100), true).faults).toEqual([]);
        const standing = observe(20, () => 24_000, 100);
        expect(judgeAt(20, standing, true)).toMatchObject({
            reasons: ["draining", "/main.mp3 stands still", "full: 100 of 100 listeners"],
            faults: ["/main.mp3 stands still"],
        });
        expect(judgeAt(0, [], true).faults).toEqual(["Icecast tells nothing about itself"]);
    });

    it("once full, takes listeners again only when one in twenty has left", () => {
        const at = (listeners: number, wasFull: boolean) =>
            judgeAt(20, observe(20, steady, listeners), false, wasFull);
        expect(at(99, false)).toMatchObject({ healthy: true, full: false });
        expect(at(99, true)).toMatchObject({
            healthy: false,
            full: true,
            reasons: ["full: 99 of 100 listeners"],
        });
        expect(at(95, true).full).toBe(true);
        expect(at(94, true)).toMatchObject({ healthy: true, full: false });
        expect(judgeAt(0, [], false, true)).toMatchObject({ known: false, full: true });
    });

    it("never flaps while the feed changes upstreams or starts again within a second", () => {
        const property = fc.property(
            fc.integer({ min: 10_000, max: 30_000 }),
            fc.integer({ min: 0, max: 1000 }),
            fc.integer({ min: 0, max: 4999 }),
            (pausedMs, pauseMs, phaseMs) => {
                let samples: Sample[] = [];
                for (let atMs = 0; atMs <= 60_000; atMs += 2000) {
                    const countedMs = Math.max(0, Math.floor((atMs + phaseMs) / 5000) * 5000 - phaseMs);
                    const missingMs = Math.min(Math.max(0, countedMs - pausedMs), pauseMs);
                    samples = health.remember(samples, {
                        atMs,
                        mounts: { "/main.mp3": { bytes: (countedMs - missingMs) * 24, listeners: 0 } },
                        upstreams: atMs < pausedMs ? { "/main.mp3": "a" } : {},
                    });
                    if (atMs >= 12_000) {
                        expect(health.judge(relay, samples, atMs, false, false).reasons).toEqual([]);
                    }
                }
            },
        );
        fc.assert(property, { numRuns: 200 });
    });

    it("keeps few samples", () => {
        expect(observe(600, steady).length).toBeLessThanOrEqual(8);
    });
});

describe("Icecast's statistics", () => {
    const source = (mount: string, inner: string) => `<source mount="${mount}">${inner}</source>`;
    const page = (inner: string) =>
        `<?xml version="1.0"?>\n<icestats><clients>4</clients>${inner}</icestats>\n`;

    it("are read mount by mount", () => {
        const xml = page(
            source(
                "/main.mp3",
                "<listeners>3</listeners><title>x</title><total_bytes_read>1234</total_bytes_read>",
            ) + source("/main.aac", "<total_bytes_read>5</total_bytes_read>"),
        );
        expect(health.parseStats(xml, 42)).toEqual({
            atMs: 42,
            mounts: {
                "/main.mp3": { bytes: 1234, listeners: 3 },
                "/main.aac": { bytes: 5, listeners: 0 },
            },
        });
    });

    it("know no mount without a source", () => {
        expect(health.parseStats(page(source("/main.mp3", "<listeners>0</listeners>")), 0).mounts).toEqual(
            {},
        );
    });

    it("are refused when they are anything else", () => {
        for (const text of ["", "<html>401</html>", "<icestats><source mount="]) {
            expect(() => health.parseStats(text, 0)).toThrow("no statistics");
        }
    });
});
