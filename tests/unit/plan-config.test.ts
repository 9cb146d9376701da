import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { ConfigError } from "../../config/errors";
import { beyondLimits, stationToPlan } from "../../config/plan";
import { parseStation } from "../../config/station";
import { checkout } from "../../lab/paths";
import { planStation } from "../../model/plan";
import { withListeners } from "../../tools/plan/listeners";
import { committedStation } from "../support/program";
import { stationConfig } from "../support/station";

function mistakes(change: Record<string, unknown>): string[] {
    try {
        parseStation({ ...stationConfig(), ...change });
    } catch (error) {
        if (error instanceof ConfigError) {
            return error.mistakes.map(({ key, value, remedy }) => `${key} is ${value}: ${remedy}`);
        }
        throw error;
    }
    return [];
}

const twoRegions = [{ region: "nyc3" }, { region: "ams3" }];
const listeners = [
    { region: "nyc3", peak: 5000, average: 1000 },
    { region: "ams3", peak: 1000, average: 300 },
];

describe("what a station expects", () => {
    it("need not be said: then nothing is planned from listeners", () => {
        const plan = planStation(stationToPlan(parseStation(stationConfig())));
        expect(plan.listeners).toBeUndefined();
        expect(plan.pools).toMatchObject([{ region: "nyc3", count: 2 }]);
    });

    it("gives the number of Relays where the configuration leaves it out", () => {
        const station = parseStation({ ...stationConfig(), relays: twoRegions, expected: { listeners } });
        expect(station.relays.map(({ region, count }) => [region, count])).toEqual([
            ["nyc3", 3],
            ["ams3", 3],
        ]);
        const more = parseStation({
            ...stationConfig(),
            relays: twoRegions,
            expected: { listeners, growthPercent: 100 },
        });
        expect(more.relays.map(({ count }) => count)).toEqual([6, 6]);
    });

    it("leaves a configured number as it is", () => {
        const relays = [{ region: "nyc3", count: 4 }, { region: "ams3" }];
        const station = parseStation({ ...stationConfig(), relays, expected: { listeners } });
        expect(station.relays.map(({ count }) => count)).toEqual([4, 3]);
    });

    it("must be said where a number of Relays is left out", () => {
        expect(mistakes({ relays: twoRegions })).toEqual(
            [0, 1].map(
                (index) =>
                    `aerial:station.relays[${index}].count is nothing: use a whole number of Relays, such as 2, or describe ` +
                    "expected.listeners, from which it follows",
            ),
        );
    });

    it("says how listeners choose between formats", () => {
        const bitrate = (expected: Record<string, unknown>): number | undefined =>
            planStation(
                stationToPlan(
                    parseStation({
                        ...stationConfig(),
                        relays: twoRegions,
                        expected: { listeners, ...expected },
                    }),
                ),
            ).listeners?.bitrateKbps;
        expect(bitrate({})).toBe(128);
        expect(bitrate({ formatShares: { "main.mp3": 3, "main.aac": 1 } })).toBe(160);
        expect(bitrate({ formatShares: { "main.aac": 1 } })).toBe(64);
    });

    it("goes into the number of droplets and endpoints that are compared with the accounts' limits", () => {
        const expected = { listeners: listeners.map((one) => ({ ...one, peak: 20_000 })) };
        expect(mistakes({ relays: twoRegions, expected, digitalOcean: { dropletLimit: 20 } })).toEqual([
            expect.stringContaining("the station has 40 droplets, and up to 80 during a change"),
            expect.stringContaining("the station needs 40 endpoints, and the plan allows 20"),
        ]);
    });
});

describe("a station that could not lose a region", () => {
    const relays = [
        { region: "nyc3", count: 3 },
        { region: "ams3", count: 1 },
    ];

    it("is refused with the numbers that would do, and the key that accepts it by name", () => {
        expect(mistakes({ relays, expected: { listeners } })).toEqual([
            "aerial:station.expected.acceptLossOf is nothing: without nyc3, the other Relays carry 2,200 of 6,000 listeners; " +
                "use these numbers of Relays: nyc3 3, ams3 3, or leave out relays[].count, or accept it: acceptLossOf: [nyc3]",
        ]);
    });

    it("is accepted by that name, and by no other", () => {
        expect(mistakes({ relays, expected: { listeners, acceptLossOf: ["nyc3"] } })).toEqual([]);
        expect(mistakes({ relays, expected: { listeners, acceptLossOf: ["ams3"] } })).toEqual([
            expect.stringContaining("acceptLossOf: [ams3, nyc3]"),
        ]);
    });

    it("is one with Relays in one region only", () => {
        const one = { relays: [{ region: "nyc3", count: 9 }] };
        const expected = { listeners: listeners.slice(0, 1) };
        expect(mistakes({ ...one, expected })).toEqual([
            "aerial:station.expected.acceptLossOf is nothing: all Relays are in nyc3: without it, 5,000 listeners have nowhere " +
                "to go; describe Relays in a second region, or accept it: acceptLossOf: [nyc3]",
        ]);
        expect(mistakes({ ...one, expected: { ...expected, acceptLossOf: ["nyc3"] } })).toEqual([]);
    });

    it("cannot accept that all Relays are too few", () => {
        const few = relays.map((pool) => ({ ...pool, count: 1 }));
        const expected = { listeners, acceptLossOf: ["nyc3", "ams3"] };
        expect(mistakes({ relays: few, expected })).toEqual([
            expect.stringContaining("aerial:station.expected.listeners is ["),
        ]);
        expect(mistakes({ relays: few, expected })[0]).toContain("all Relays carry 4,400 of 6,000 listeners");
    });
});

describe("mistakes in what a station expects", () => {
    const relays = [
        { region: "nyc3", count: 3 },
        { region: "ams3", count: 3 },
    ];

    it.each<[string, Record<string, unknown>, string]>([
        [
            "listeners of a region without Relays",
            { listeners: [{ region: "sgp1", peak: 1, average: 1 }] },
            'listeners[0].region is "sgp1": use a region with Relays: nyc3, ams3',
        ],
        [
            "a region twice",
            { listeners: [listeners[1], listeners[1]] },
            'listeners[1].region is "ams3": the list has it twice; name each region once',
        ],
        [
            "an average above the peak",
            { listeners: [{ region: "ams3", peak: 10, average: 11 }] },
            "listeners[0].average is 11: the peak is 10; use at most that",
        ],
        [
            "listeners below zero",
            { listeners: [{ region: "ams3", peak: -1, average: -1 }] },
            "listeners[0].peak is -1: use a whole number of listeners, 0 to 10000000",
        ],
        ["no listeners at all", { listeners: [] }, "listeners is []: name at least one region, such as"],
        [
            "an accepted region that is none",
            { listeners, acceptLossOf: ["sgp1"] },
            'acceptLossOf[0] is "sgp1": use a region with Relays: nyc3, ams3',
        ],
        [
            "a share of a mount that is none",
            { formatShares: { "main.mp3": 1, "main.ogg": 1 } },
            "formatShares.main.ogg is 1: there is no such mount; use main.mp3, main.aac",
        ],
        [
            "shares of nothing",
            { formatShares: { "main.mp3": 0 } },
            'formatShares is {"main.mp3":0}: give one mount more than 0',
        ],
        ["a day of 25 hours", { hoursPerDay: 25 }, "hoursPerDay is 25: use a number above 0, up to 24"],
        ["a wrong key", { listener: 1 }, "listener is 1: there is no such setting"],
    ])("are found: %s", (_, expected, message) => {
        expect(mistakes({ relays, expected })[0]).toContain(`aerial:station.expected.${message}`);
    });

    it("stand beside those of an unknown size, which is not planned with", () => {
        expect(
            mistakes({
                relays: [{ region: "nyc3", size: "huge" }, { region: "ams3" }],
                expected: { listeners },
            }),
        ).toEqual([expect.stringContaining('aerial:station.relays[0].size is "huge"')]);
    });
});

const stations = readdirSync(join(checkout, "docs/stations"));

describe("the committed stations", () => {
    it.each(["prod", "preprod"])(
        "%s can lose any region, and nothing of its plan is to be warned of",
        (stack) => {
            const {
                warnings,
                losses,
                listeners: expected,
            } = planStation(stationToPlan(parseStation(committedStation(stack))));
            expect(warnings).toEqual([]);
            expect(
                losses.every(({ carried, accepted }) => !accepted && carried >= (expected?.peak ?? Infinity)),
            ).toBe(true);
        },
    );

    it.each(stations)("docs/stations/%s is one by which nothing is to be warned of", (file) => {
        const text = readFileSync(join(checkout, "docs/stations", file), "utf8");
        const { config } = parse(text) as { config: Record<string, unknown> };
        const station = parseStation(config["aerial:station"]);
        expect(planStation(stationToPlan(station)).warnings).toEqual([]);
    });

    it("has three sizes of example", () => {
        expect(stations).toEqual(["large.yaml", "medium.yaml", "small.yaml"]);
    });

    it("keeps prod's numbers of Relays as they are configured", () => {
        expect(parseStation(committedStation("prod")).relays.map(({ count }) => count)).toEqual([3, 3, 2]);
    });
});

describe("other listeners than the file's", () => {
    const station = stationToPlan(
        parseStation({ ...stationConfig(), relays: twoRegions, expected: { listeners } }),
    );
    const of = (asked: Parameters<typeof withListeners>[1]) => withListeners(station, asked).listeners;

    it("come as the file has them, with their averages", () => {
        expect(of(12_000)).toEqual([
            { region: "nyc3", peak: 10_000, average: 2000 },
            { region: "ams3", peak: 2000, average: 600 },
        ]);
    });

    it("may be given by region; a region that is not named has none", () => {
        expect(of({ ams3: 500 })).toEqual([
            { region: "nyc3", peak: 0, average: 0 },
            { region: "ams3", peak: 500, average: 150 },
        ]);
        expect(() => of({ ams9: 1 })).toThrow("there are no Relays in ams9; use nyc3, ams3");
    });

    it("come to all regions alike where the file says nothing, a third of them on average", () => {
        const { listeners: _, ...unknown } = station;
        expect(withListeners(unknown, 600).listeners).toEqual([
            { region: "nyc3", peak: 300, average: 100 },
            { region: "ams3", peak: 300, average: 100 },
        ]);
    });

    it("get the planner's numbers of Relays, which are compared with the accounts' limits", () => {
        const given = parseStation({
            ...stationConfig(),
            relays: [
                { region: "nyc3", count: 2 },
                { region: "ams3", count: 2 },
            ],
            digitalOcean: { dropletLimit: 20 },
        });
        const { pools } = planStation(withListeners(stationToPlan(given), 44_000));
        const counts = pools.map(({ count }) => count);
        expect(counts).toEqual([20, 20]);
        expect(beyondLimits(given, counts)).toEqual([
            expect.stringContaining("the station has 42 droplets, and up to 84 during a change"),
            expect.stringContaining("the station needs 42 endpoints, and the plan allows 20"),
        ]);
        expect(beyondLimits(given, [2, 2])).toEqual([]);
    });
});
