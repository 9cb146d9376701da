import fc from "fast-check";

import { quietHourAt, replacementsWaitFor } from "../../config/quietHour";
import { parseStation } from "../../config/station";
import { stationConfig } from "../support/station";

const at = (text: string): Date => new Date(text);

/** Whether it is the quiet hour at each of these moments. */
function begun(quietHour: string, timeZone: string, moments: string[]): boolean[] {
    return moments.map((moment) => quietHourAt(at(moment), quietHour, timeZone).hasBegun);
}

const next = (moment: string, quietHour: string, timeZone: string): string =>
    quietHourAt(at(moment), quietHour, timeZone).next.toISOString();

describe("the quiet hour", () => {
    it("lasts for an hour of the station's time zone", () => {
        const moments = [
            "2026-07-01T02:59:59Z",
            "2026-07-01T03:00:00Z",
            "2026-07-01T03:59:59Z",
            "2026-07-01T04:00:00Z",
        ];
        expect(begun("05:00", "Europe/Berlin", moments)).toEqual([false, true, true, false]);
        expect(next("2026-07-01T02:59:59Z", "05:00", "Europe/Berlin")).toBe("2026-07-01T03:00:00.000Z");
        expect(next("2026-07-01T03:00:00Z", "05:00", "Europe/Berlin")).toBe("2026-07-02T03:00:00.000Z");
    });

    it("goes with daylight saving", () => {
        expect(next("2026-12-01T12:00:00Z", "05:00", "Europe/Berlin")).toBe("2026-12-02T04:00:00.000Z");
        // The nights in which clocks are set, at 01:00 UTC.
        expect(next("2026-03-28T22:00:00Z", "05:00", "Europe/Berlin")).toBe("2026-03-29T03:00:00.000Z");
        expect(next("2026-10-24T22:00:00Z", "05:00", "Europe/Berlin")).toBe("2026-10-25T04:00:00.000Z");
    });

    it("may begin before midnight, and on another day than in UTC", () => {
        const moments = ["2026-07-01T21:29:00Z", "2026-07-01T21:30:00Z", "2026-07-01T22:29:00Z"];
        expect(begun("23:30", "Europe/Berlin", moments)).toEqual([false, true, true]);
        expect(begun("05:00", "Pacific/Auckland", ["2026-07-01T17:00:00Z"])).toEqual([true]);
        expect(begun("00:00", "Pacific/Kiritimati", ["2026-07-01T10:59:00Z"])).toEqual([true]);
        expect(begun("05:45", "Asia/Kathmandu", ["2026-07-01T00:00:00Z"])).toEqual([true]);
    });

    it("begins later, and is a whole hour, where clocks go forward over its beginning", () => {
        const moments = ["2026-03-29T01:29:59Z", "2026-03-29T01:30:00Z", "2026-03-29T02:29:59Z"];
        expect(begun("02:30", "Europe/Berlin", moments)).toEqual([false, true, true]);
        expect(begun("02:30", "Europe/Berlin", ["2026-03-29T02:30:00Z"])).toEqual([false]);
        // Over the whole hour, too.
        expect(next("2026-03-29T00:30:00Z", "02:00", "Europe/Berlin")).toBe("2026-03-29T01:00:00.000Z");
        // By half an hour.
        expect(next("2026-10-03T14:00:00Z", "02:00", "Australia/Lord_Howe")).toBe("2026-10-03T15:30:00.000Z");
        // At midnight.
        expect(next("2026-04-23T12:00:00Z", "00:00", "Africa/Cairo")).toBe("2026-04-23T22:00:00.000Z");
    });

    it("comes once where clocks show it twice", () => {
        const moments = ["2026-10-25T00:30:00Z", "2026-10-25T01:29:59Z", "2026-10-25T01:30:00Z"];
        expect(begun("02:30", "Europe/Berlin", moments)).toEqual([true, true, false]);
    });

    const zones = [
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/St_Johns",
        "America/Havana",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Kathmandu",
        "Pacific/Chatham",
        "Pacific/Apia",
    ];
    const moment = fc.date({
        min: at("2025-01-01T00:00:00Z"),
        max: at("2029-01-01T00:00:00Z"),
        noInvalidDate: true,
    });
    const timeOfDay = fc
        .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
        .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));

    it("comes every day, for an hour, in every zone", () => {
        fc.assert(
            fc.property(moment, timeOfDay, fc.constantFrom(...zones), (now, quietHour, zone) => {
                const hour = 3_600_000;
                const { next: first } = quietHourAt(now, quietHour, zone);
                const second = quietHourAt(first, quietHour, zone).next;
                const between = (second.getTime() - first.getTime()) / hour;
                // A day is an hour shorter or longer when clocks are set, and its beginning an hour later.
                expect(between).toBeGreaterThanOrEqual(23);
                expect(between).toBeLessThanOrEqual(25);
                expect(first.getTime() - now.getTime()).toBeLessThanOrEqual(25 * hour);
                const isQuiet = (ms: number) =>
                    quietHourAt(new Date(first.getTime() + ms), quietHour, zone).hasBegun;
                expect([-1, 0, hour - 1, hour].map(isQuiet)).toEqual([false, true, true, false]);
                const shown = new Intl.DateTimeFormat("en", {
                    ...{ timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
                }).format(first);
                const later = [0, 30, 60].map((minutes) => {
                    const [h = 0, m = 0] = quietHour.split(":").map(Number);
                    const all = (h * 60 + m + minutes) % 1440;
                    return [Math.floor(all / 60), all % 60].map((n) => String(n).padStart(2, "0")).join(":");
                });
                expect(later).toContain(shown);
            }),
            { numRuns: 200 },
        );
    });
});

describe("replacements", () => {
    const station = (change: object = {}) => parseStation({ ...stationConfig(), ...change });
    const quiet = station({ timeZone: "Europe/Berlin", rollout: { quietHour: "05:00" } });
    const noon = at("2026-07-01T10:00:00Z");

    it("wait for the quiet hour, and are done in it", () => {
        expect(replacementsWaitFor(quiet, noon, "")).toBe("05:00 Europe/Berlin");
        expect(replacementsWaitFor(quiet, at("2026-07-01T03:20:00Z"), "")).toBeUndefined();
    });

    it("say when the hour really begins, in the night that does not have its beginning", () => {
        const early = station({ timeZone: "Europe/Berlin", rollout: { quietHour: "02:30" } });
        expect(replacementsWaitFor(early, at("2026-03-28T20:00:00Z"), "")).toBe("03:30 Europe/Berlin");
    });

    it("do not wait at a station without one, nor for one up that is told so", () => {
        expect(replacementsWaitFor(station(), noon, "")).toBeUndefined();
        expect(replacementsWaitFor(quiet, noon, "no")).toBeUndefined();
    });

    it("refuse another value of the variable, with what would be right", () => {
        expect(() => replacementsWaitFor(quiet, noon, "05:00")).toThrow(
            'the environment variable AERIAL_QUIET_HOUR is "05:00": use no to replace droplets at any time, or leave it out',
        );
        expect(() => replacementsWaitFor(station(), noon, "false")).toThrow(/AERIAL_QUIET_HOUR/);
    });

    it("go by UTC at a station that names no zone", () => {
        expect(replacementsWaitFor(station({ rollout: { quietHour: "05:00" } }), noon, "")).toBe("05:00 UTC");
    });

    test.each([
        [
            { rollout: { quietHour: "5:00" } },
            'rollout.quietHour is "5:00": use a time of day in quotes, such as "05:00"',
        ],
        [{ rollout: { quietHour: "24:00" } }, 'rollout.quietHour is "24:00": use a time of day'],
        [{ rollout: { quietHour: "05:60" } }, 'rollout.quietHour is "05:60": use a time of day'],
        // What YAML 1.1 makes of 05:00 without quotes.
        [{ rollout: { quietHour: 300 } }, "rollout.quietHour is 300: use a time of day in quotes"],
        [
            { timeZone: "Berlin" },
            'timeZone is "Berlin": use a time zone of the IANA database, such as Europe/Berlin',
        ],
        [{ timeZone: "+01:00" }, 'timeZone is "+01:00": use a time zone of the IANA database'],
        [
            { airtime: { region: "ams3", timeZone: "UTC" } },
            'airtime.timeZone is "UTC": there is no such setting',
        ],
    ])("are refused a setting that cannot work: %j", (change, message) => {
        expect(() => station(change)).toThrow(`aerial:station.${message}`);
    });
});
