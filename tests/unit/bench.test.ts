import { readFileSync } from "node:fs";
import { join } from "node:path";

import { checkout } from "../../lab/paths";
import { benchDocument } from "../../tools/bench/document";
import { median, medians, percentile } from "../../tools/bench/figures";
import { benchSection, soakSection } from "../../tools/bench/markdown";
import type { BenchResult } from "../../tools/bench/results";
import {
    byAge,
    descriptorsLimit,
    isGrowth,
    memoryLimit,
    riseOfSecondHalf,
    type Sample,
} from "../../tools/soak/growth";
import { listenerComplaints } from "../../tools/soak/listeners";
import { Chance } from "../../tools/soak/random";
import { UsageRecord } from "../../tools/soak/record";

/* The pure parts of `make bench` and `npm run soak`: how figures are made and judged, and what is written of them. */

describe("figures", () => {
    it.each([
        { values: [3, 1, 2], share: 0.5, expected: 2 },
        { values: Array.from({ length: 20 }, (_, n) => n + 1), share: 0.95, expected: 19 },
        { values: [7], share: 0.95, expected: 7 },
        { values: [1, 2, 3], share: 1, expected: 3 },
        { values: [], share: 0.5, expected: NaN },
    ])("a percentile is a measured value: $share of $values.length", ({ values, share, expected }) => {
        expect(percentile(values, share)).toBe(expected);
    });

    it("the median is not moved by one bad round of five", () => {
        expect(median([10, 900, 11, 9, 10])).toBe(10);
        expect(median([1, 2, 3, 10])).toBe(2.5);
        expect(
            medians([
                { a: 1, b: 9 },
                { a: 2, b: 8 },
                { a: 90, b: 7 },
            ]),
        ).toEqual({ a: 2, b: 8 });
    });
});

/** A sample each half minute over an hour. */
function hourOf(
    valueAt: (minutes: number) => number,
    processAt: (minutes: number) => number = () => 1,
): Sample[] {
    return Array.from({ length: 121 }, (_, n) => n / 2).map((minutes) => ({
        minutes,
        value: valueAt(minutes),
        process: processAt(minutes),
    }));
}

const memoryGrows = (samples: Sample[]): boolean =>
    isGrowth(riseOfSecondHalf(samples, 60), samples, memoryLimit);

describe("growth", () => {
    it("finds a leak of 20 MiB an hour in a program of 100 MiB", () => {
        const samples = hourOf((minutes) => 100 + minutes / 3);
        expect(riseOfSecondHalf(samples, 60)).toBeCloseTo(10);
        expect(memoryGrows(samples)).toBe(true);
    });

    it("does not take the rise of the first half for growth", () => {
        expect(memoryGrows(hourOf((minutes) => 100 + 50 * Math.min(1, minutes / 25)))).toBe(false);
    });

    it("does not take noise and a few outliers for growth", () => {
        const noise = new Chance(1, "noise");
        expect(memoryGrows(hourOf((minutes) => 100 + noise.between(-6, 6) + (minutes > 58 ? 300 : 0)))).toBe(
            false,
        );
    });

    it("does not take the first minutes of a new process for growth", () => {
        // Early in the half a new one, which takes 100 MiB within 19 minutes.
        const samples = hourOf(
            (minutes) => (minutes < 31 ? 200 : 100 + 100 * Math.min(1, (minutes - 31) / 19)),
            (minutes) => (minutes < 31 ? 1 : 2),
        );
        expect(riseOfSecondHalf(samples, 60)).toBe(0);
        expect(memoryGrows(samples)).toBe(false);
    });

    it("finds a leak in processes that are started again every 30 minutes", () => {
        const samples = hourOf(
            (minutes) => 100 + (minutes % 30),
            (minutes) => Math.floor(minutes / 30),
        );
        expect(memoryGrows(samples)).toBe(true);
    });

    it("is seen in what processes have at each age, however often they are started again", () => {
        const samples = hourOf(
            (minutes) => 100 + (minutes % 20),
            (minutes) => Math.floor(minutes / 20),
        );
        expect(byAge(samples, [5, 15, 25])).toEqual([
            { age: 5, value: 105, processes: 3 },
            { age: 15, value: 115, processes: 3 },
        ]);
    });

    it("does not judge where no process lived long enough", () => {
        const samples = hourOf(
            (minutes) => 100 + (minutes % 5),
            (minutes) => Math.floor(minutes / 5),
        );
        expect(riseOfSecondHalf(samples, 60)).toBeNull();
        expect(memoryGrows(samples)).toBe(false);
    });

    it("does not judge a soak of less than 20 minutes", () => {
        const samples = hourOf((minutes) => 100 + minutes * 10).filter(({ minutes }) => minutes < 19);
        expect(riseOfSecondHalf(samples, 19)).toBeNull();
    });

    it("finds descriptors that are never closed, one every two minutes", () => {
        const samples = hourOf((minutes) => 30 + Math.floor(minutes / 2));
        expect(isGrowth(riseOfSecondHalf(samples, 60), samples, descriptorsLimit)).toBe(true);
    });
});

describe("the record of a soak", () => {
    const usage = (unit: string, memoryMiB: number, process = 7, processorSeconds = 0) => ({
        ...{ unit, memoryMiB, process, processorSeconds },
        descriptors: 20,
    });

    it("has a row for each program that is watched, with figures of five moments", () => {
        const record = new UsageRecord();
        for (let minutes = 0; minutes <= 60; minutes++) {
            const units = [
                usage("aerial-icecast.service", 10, 7, minutes * 6),
                usage("aerial-feed.service", 20),
                usage("aerial-certificate.service", 5),
            ];
            record.take(minutes, new Map([["relay-1", units]]));
        }
        expect(record.moments()).toEqual([0, 15, 30, 45, 60]);
        const rows = record.rows();
        expect(rows.map(({ machine, program }) => `${machine} ${program}`)).toEqual([
            "relay-1 Icecast",
            "relay-1 feed",
        ]);
        expect(rows[0]).toMatchObject({ memoryMiB: [10, 10, 10, 10, 10], restarts: 0, memoryRiseMiB: 0 });
        const [none, ...percents] = rows[0]!.processorPercent;
        expect(none).toBeNull();
        percents.forEach((percent) => expect(percent).toBeCloseTo(10));
        expect(record.complaints([])).toEqual([]);
    });

    it("complains of a program that was started again, unless its machine was broken on purpose", () => {
        const record = new UsageRecord();
        for (let minutes = 0; minutes <= 20; minutes++) {
            const unit = usage("aerial-icecast.service", 10, minutes < 10 ? 7 : 8);
            record.take(minutes, new Map(["master-a", "relay-1"].map((machine) => [machine, [unit]])));
        }
        expect(record.complaints(["master-a"])).toEqual(["Icecast of relay-1 was started again 1 times"]);
    });

    it("has no figures for moments at which a machine was off", () => {
        const record = new UsageRecord();
        for (let minutes = 0; minutes <= 20; minutes++) {
            const on = minutes < 8 || minutes > 12;
            record.take(minutes, new Map(on ? [["master-a", [usage("aerial-icecast.service", 10)]]] : []));
        }
        expect(record.rows()[0]?.memoryMiB).toEqual([10, 10, null, 10, 10]);
    });

    it("complains of every listener that was disconnected or had a gap", () => {
        const well = {
            name: "relay-1 mp3",
            disconnects: 0,
            gapSeconds: 0,
            startSeconds: 8,
            lowestSeconds: 7,
        };
        expect(listenerComplaints([well])).toEqual([]);
        expect(
            listenerComplaints([
                { ...well, disconnects: 1 },
                { ...well, gapSeconds: 0.2 },
            ]),
        ).toEqual([
            "the listener at relay-1 mp3 was disconnected 1 times",
            "the listener at relay-1 mp3 had gaps of 0.2 s",
        ]);
    });
});

describe("chance", () => {
    it("is the same again with the same seed, and differs by name", () => {
        const draw = (seed: number, name: string) => {
            const chance = new Chance(seed, name);
            return Array.from({ length: 20 }, () => chance.next());
        };
        expect(draw(1, "Masters")).toEqual(draw(1, "Masters"));
        expect(draw(1, "Masters")).not.toEqual(draw(1, "sources"));
        expect(draw(1, "Masters")).not.toEqual(draw(2, "Masters"));
    });

    it("picks by weight, and never what weighs nothing", () => {
        const chance = new Chance(3, "weights");
        const picked = Array.from({ length: 2000 }, () =>
            chance.pick(["a", "b", "c"], (one) => ({ a: 3, b: 1 })[one] ?? 0),
        );
        const share = picked.filter((one) => one === "a").length / picked.length;
        expect(share).toBeGreaterThan(0.7);
        expect(share).toBeLessThan(0.8);
        expect(picked).not.toContain("c");
    });
});

describe("docs/bench.md", () => {
    it("is what docs/bench.json and docs/soak.json make, and nobody has written in it", async () => {
        const { path, text } = await benchDocument();
        expect(readFileSync(join(checkout, path), "utf8")).toBe(text);
    });

    it("compares what listeners cost with bare Icecast in the same format", () => {
        const row = { kibPerListener: 1, clientPercent: 1, lost: 0 };
        const result: BenchResult = {
            circumstances: {
                ...{ at: "2026-11-27T16:00:00.000Z", commit: "0", processor: "x", processors: 2 },
                ...{ memoryGiB: 4, kernel: "6", loadBefore: 0, versions: { nginx: "1" } },
            },
            ...{ rounds: 5, tries: 20, listeners: 1000 },
            cost: [
                { format: "MP3 192", server: "Relay", processorPercent: 30, ...row },
                { format: "MP3 192", server: "bare Icecast", processorPercent: 10, ...row },
                { format: "AAC 64", server: "Relay", processorPercent: 5, ...row },
            ],
        };
        const text = benchSection(result);
        expect(text).toContain("| MP3 192 | Relay | 30.0 | 3.00 × |");
        expect(text).toContain("| AAC 64 | Relay | 5.0 | – × |");
    });

    it("says how to measure what has not been measured yet", () => {
        expect(benchSection(undefined)).toContain("make bench");
        expect(soakSection(undefined)).toContain("npm run soak");
    });
});
