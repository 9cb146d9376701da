import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInThisContext } from "node:vm";

import fc from "fast-check";

interface Sample {
    atMs: number;
    mounts: Record<string, { bytes: number; listeners: number }>;
}

interface Relay {
    listenerLimit: number;
    chains: { mount: string; levels: { name: string; mount: string }[] }[];
}

interface Verdict {
    healthy: boolean;
    reasons: string[];
    known: boolean;
    full: boolean;
    listeners: number;
    mounts: Record<string, { upstream: string | null; listeners: number }>;
}

interface Health {
    parseStats(xml: string, atMs: number): Sample;
    remember(samples: Sample[], sample: Sample): Sample[];
    stateOf(mount: string, samples: Sample[]): string;
    judge(relay: Relay, samples: Sample[], nowMs: number, draining: boolean, wasFull: boolean): Verdict;
}

/** The module as NGINX gets it; njs and Node.js differ only in how a module is loaded. */
function loadHealth(): Health {
    const path = join(__dirname, "..", "..", "config-templates", "machine/health/health.js");
    const source = readFileSync(path, "utf8").replace("export default", "return");
    return runInThisContext(`(() => {${source}})()`) as Health;
}

const health = loadHealth();

const relay: Relay = {
    listenerLimit: 100,
    chains: [
        {
            mount: "/main.mp3",
            levels: [
                { name: "a", mount: "/main.mp3" },
                { name: "b", mount: "/from-b/main.mp3" },
                { name: "standby", mount: "/standby/main.mp3" },
            ],
        },
    ],
};

/**
 * Samples every 2 s, as NGINX takes them. `bytes(mount, seconds)` is what Icecast has received, which it counts every
 * 5 s; undefined while there is no source.
 */
function observe(
    seconds: number,
    bytes: (mount: string, second: number) => number | undefined,
    listeners = 0,
): Sample[] {
    let samples: Sample[] = [];
    for (let second = 0; second <= seconds; second += 2) {
        const mounts: Sample["mounts"] = {};
        for (const { mount } of relay.chains[0]?.levels ?? []) {
            const count = bytes(mount, second);
            if (count !== undefined) {
                mounts[mount] = { bytes: count, listeners: mount === "/main.mp3" ? listeners : 0 };
            }
        }
        samples = health.remember(samples, { atMs: second * 1000, mounts });
    }
    return samples;
}

/** What Icecast shows of a source that has sent 24 kB/s since a time, and no more after another. */
function counted(second: number, since = 0, until = Infinity): number {
    const lastCount = since + Math.floor((second - since) / 5) * 5;
    return 24000 * Math.max(0, Math.min(lastCount, until) - since);
}

function judgeAt(seconds: number, samples: Sample[], draining = false, wasFull = false): Verdict {
    return health.judge(relay, samples, seconds * 1000, draining, wasFull);
}

describe("health of a Relay", () => {
    it("is good while every level advances, and names the preferred upstream", () => {
        const verdict = judgeAt(
            20,
            observe(20, (_, second) => counted(second), 7),
        );
        expect(verdict).toEqual({
            healthy: true,
            reasons: [],
            known: true,
            full: false,
            listeners: 7,
            mounts: { "/main.mp3": { upstream: "a", listeners: 7 } },
        });
    });

    it("is good while only standby audio plays, and says so", () => {
        const samples = observe(20, (mount, second) =>
            mount === "/standby/main.mp3" ? counted(second) : undefined,
        );
        expect(judgeAt(20, samples)).toMatchObject({
            healthy: true,
            mounts: { "/main.mp3": { upstream: "standby" } },
        });
    });

    it("is bad until the audio has grown for 6 s", () => {
        const samples = (seconds: number) => observe(seconds, (_, second) => counted(second));
        expect(judgeAt(0, samples(0)).healthy).toBe(false);
        expect(judgeAt(4, samples(4)).healthy).toBe(false);
        expect(judgeAt(6, samples(6)).healthy).toBe(true);
    });

    it("is bad when what listeners are attached to stands still, whatever plays below it", () => {
        const samples = observe(20, (mount, second) =>
            counted(second, 0, mount === "/main.mp3" ? 5 : Infinity),
        );
        expect(judgeAt(20, samples)).toMatchObject({
            healthy: false,
            reasons: ["/main.mp3 stands still: no audio from a"],
        });
    });

    it("is bad when no level has a source", () => {
        expect(
            judgeAt(
                20,
                observe(20, () => undefined),
            ),
        ).toMatchObject({
            healthy: false,
            reasons: ["/main.mp3 has no audio that is known to advance"],
            mounts: { "/main.mp3": { upstream: null } },
        });
    });

    it("stays good through the return of an upstream, and names it at once", () => {
        const samples = observe(20, (mount, second) => {
            if (mount !== "/main.mp3") {
                return counted(second);
            }
            return second < 18 ? undefined : counted(second, 18);
        });
        expect(judgeAt(20, samples)).toMatchObject({
            healthy: true,
            mounts: { "/main.mp3": { upstream: "a" } },
        });
    });

    it("does not take an upstream's count from before a reconnect for growth", () => {
        const samples = observe(20, (mount, second) => {
            if (mount !== "/main.mp3") {
                return undefined;
            }
            return second < 18 ? 1000 * 24000 : counted(second, 18);
        });
        expect(health.stateOf("/main.mp3", samples)).toBe("new");
        expect(judgeAt(20, samples).healthy).toBe(false);
    });

    it("is bad when Icecast has told nothing for more than 6 s", () => {
        const samples = observe(20, (_, second) => counted(second));
        expect(judgeAt(26, samples).healthy).toBe(true);
        expect(judgeAt(27, samples)).toMatchObject({
            healthy: false,
            reasons: ["Icecast tells nothing about itself"],
            mounts: { "/main.mp3": { upstream: null, listeners: 0 } },
        });
        expect(judgeAt(0, []).healthy).toBe(false);
    });

    it("is bad when the clock was set back, until there are samples of the new time", () => {
        const samples = observe(20, (_, second) => counted(second));
        const after = health.remember(samples, { atMs: 1000, mounts: samples.at(-1)?.mounts ?? {} });
        expect(after.map((sample) => sample.atMs)).toEqual([1000]);
        expect(judgeAt(1, after).healthy).toBe(false);
    });

    it("is bad when draining or full, with both reasons at once", () => {
        const samples = observe(20, (_, second) => counted(second), 100);
        expect(judgeAt(20, samples, true)).toMatchObject({
            healthy: false,
            reasons: ["draining", "full: 100 of 100 listeners"],
        });
        expect(
            judgeAt(
                20,
                observe(20, (_, second) => counted(second), 99),
            ).healthy,
        ).toBe(true);
    });

    it("once full, takes listeners again only when one in twenty has left", () => {
        const at = (listeners: number, wasFull: boolean) =>
            judgeAt(
                20,
                observe(20, (_, second) => counted(second), listeners),
                false,
                wasFull,
            );
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

    it("never flaps when an upstream freezes and Icecast leaves it 3 to 5 s later", () => {
        const property = fc.property(
            fc.integer({ min: 10_000, max: 30_000 }),
            fc.integer({ min: 3000, max: 5000 }),
            fc.integer({ min: 0, max: 4999 }),
            (frozenMs, leftAfterMs, phaseMs) => {
                let samples: Sample[] = [];
                for (let atMs = 0; atMs <= 60_000; atMs += 2000) {
                    const count = (stopsMs: number) => {
                        const countedMs = Math.floor((atMs + phaseMs) / 5000) * 5000 - phaseMs;
                        return { bytes: Math.max(0, Math.min(countedMs, stopsMs)) * 24, listeners: 0 };
                    };
                    const mounts: Sample["mounts"] = {
                        "/from-b/main.mp3": count(Infinity),
                        "/standby/main.mp3": count(Infinity),
                    };
                    if (atMs < frozenMs + leftAfterMs) {
                        mounts["/main.mp3"] = count(frozenMs);
                    }
                    samples = health.remember(samples, { atMs, mounts });
                    if (atMs >= 12_000) {
                        expect(health.judge(relay, samples, atMs, false, false).reasons).toEqual([]);
                    }
                }
            },
        );
        fc.assert(property, { numRuns: 200 });
    });

    it("keeps few samples", () => {
        expect(observe(600, (_, second) => counted(second)).length).toBeLessThanOrEqual(8);
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
            ) + source("/standby/main.mp3", "<total_bytes_read>5</total_bytes_read>"),
        );
        expect(health.parseStats(xml, 42)).toEqual({
            atMs: 42,
            mounts: {
                "/main.mp3": { bytes: 1234, listeners: 3 },
                "/standby/main.mp3": { bytes: 5, listeners: 0 },
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
