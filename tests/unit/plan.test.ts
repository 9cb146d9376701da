import fc from "fast-check";

import { planStation, type StationPlan } from "../../model/plan";
import { planLevers } from "../../model/plan/levers";
import { mostRelays, planPools, capacityOf } from "../../model/plan/relays";
import type { StationToPlan } from "../../model/plan/station";
import { showParts } from "../../model/plan/storage";
import { describeDifference, describePlan, describeShortages, planTable } from "../../model/plan/text";
import { dollars } from "../../model/plan/words";
import { digitalOceanPrices, priceSources, stalePrices } from "../../model/prices";
import { storyAverage, storyStation } from "../support/planFigures";
import { plannedCanary, plannedStation } from "../support/plannedStation";
import { defaultRetention } from "../support/retention";

const usdOf = (plan: StationPlan, name: string): number => {
    const found = plan.items.find((item) => item.name === name);
    if (!found) {
        throw new Error(`the plan has no item ${name}`);
    }
    return found.monthlyUsd;
};
const countsOf = (station: StationToPlan): number[] => planPools(station).map(({ count }) => count);
const shortagesOf = (station: StationToPlan): string[] => {
    const plan = planStation(station);
    return describeShortages({ ...plan, peak: plan.listeners?.peak ?? 0 }).map(({ words }) => words);
};

/** Regions with as many listeners at the peak each; a third of them on average. */
function crowd(peaks: Record<string, number>, change: Partial<StationToPlan> = {}): StationToPlan {
    const regions = Object.keys(peaks);
    return plannedStation({
        pools: regions.map((region) => ({ region, size: "s-1vcpu-1gb", upstreamRegions: [] })),
        listeners: regions.map((region) => ({ region, peak: peaks[region]!, average: peaks[region]! / 3 })),
        ...change,
    });
}

describe("the number of Relays", () => {
    it("is two in a region at least, so that one may fail without its listeners leaving the region", () => {
        expect(countsOf(plannedStation())).toEqual([2, 2]);
        expect(countsOf(crowd({ ams3: 0, nyc3: 0 }))).toEqual([2, 2]);
    });

    it("serves each region's own listeners, and all of them when the largest region is lost", () => {
        // 5,500 and 3,500 and 1,500 need 3, 2 and 1; without the 3 in ams3 there were 8,800 for 10,500.
        const station = crowd({ ams3: 5500, nyc3: 3500, sgp1: 1500 });
        expect(countsOf(station)).toEqual([3, 3, 2]);
        expect(planStation(station).losses).toEqual([
            { region: "ams3", carried: 11_000, accepted: false },
            { region: "nyc3", carried: 11_000, accepted: false },
            { region: "sgp1", carried: 13_200, accepted: false },
        ]);
    });

    it("is no larger where the configuration accepts the loss of the region that decides", () => {
        expect(countsOf(crowd({ ams3: 9000, nyc3: 500 }))).toEqual([5, 5]);
        expect(countsOf(crowd({ ams3: 9000, nyc3: 500 }, { acceptLossOf: ["ams3"] }))).toEqual([5, 2]);
    });

    it("stays as configured, and the other regions make up for it", () => {
        const station = crowd({ ams3: 5500, nyc3: 3500, sgp1: 1500 });
        const pools = station.pools.map((pool) => (pool.region === "nyc3" ? { ...pool, count: 2 } : pool));
        expect(countsOf({ ...station, pools })).toEqual([3, 2, 3]);
        expect(planPools({ ...station, pools }).map(({ advised }) => advised)).toEqual([3, 3, 2]);
    });

    it("suffices for 100,000 listeners at the peak", () => {
        const station = crowd({ ams3: 60_000, nyc3: 30_000, sgp1: 10_000 });
        expect(shortagesOf(station)).toEqual([]);
        expect(countsOf(station)).toEqual([28, 23, 23]);
    });

    it("goes by what a droplet sends where its cores would do for more", () => {
        const [pool] = planPools(
            crowd(
                { ams3: 100 },
                {
                    pools: [{ region: "ams3", size: "s-8vcpu-16gb", upstreamRegions: [] }],
                    formats: [{ mount: "/main.mp3", bitrateKbps: 320, part: 1 }],
                },
            ),
        );
        // 2 Gbit/s at 337 kbit/s with overhead; eight cores would do for 17,600.
        expect(pool?.listenerLimit).toBe(5935);
    });

    it("does not depend on prices, so that a new price changes no machine: only on listeners and sizes", () => {
        const station = crowd({ ams3: 5500, nyc3: 3500, sgp1: 1500 });
        expect(countsOf({ ...station, dns: { service: "route53" }, hoursPerDay: 1 })).toEqual(
            countsOf(station),
        );
    });

    const anyCrowd = fc
        .array(
            fc.record({
                size: fc.constantFrom(...Object.keys(digitalOceanPrices.sizes)),
                peak: fc.integer({ min: 0, max: 30_000 }),
            }),
            { minLength: 2, maxLength: 6 },
        )
        .map((regions) =>
            plannedStation({
                pools: regions.map(({ size }, index) => ({ region: `r${index}`, size, upstreamRegions: [] })),
                listeners: regions.map(({ peak }, index) => ({ region: `r${index}`, peak, average: 0 })),
            }),
        );

    it("lets any region be lost, unless a region has as many Relays as there may be", () => {
        fc.assert(
            fc.property(anyCrowd, (station) => {
                const pools = planPools(station);
                const peak = pools.reduce((sum, pool) => sum + pool.peak, 0);
                fc.pre(pools.every(({ count }) => count < mostRelays));
                for (const pool of pools) {
                    expect(capacityOf(pools.filter((other) => other !== pool))).toBeGreaterThanOrEqual(peak);
                    expect(pool.count * pool.listenerLimit).toBeGreaterThanOrEqual(pool.peak);
                    expect(pool.count).toBeGreaterThanOrEqual(2);
                }
            }),
        );
    });

    it("is the same for the planner's own numbers, given as configuration", () => {
        fc.assert(
            fc.property(anyCrowd, (station) => {
                const counts = countsOf(station);
                const pools = station.pools.map((pool, index) => ({ ...pool, count: counts[index]! }));
                expect(countsOf({ ...station, pools })).toEqual(counts);
            }),
        );
    });
});

describe("a plan is refused with the reason", () => {
    it("when all Relays are in one region", () => {
        expect(shortagesOf(crowd({ ams3: 1000 }))).toEqual([
            "all Relays are in ams3: without it, 1,000 listeners have nowhere to go",
        ]);
        expect(shortagesOf(crowd({ ams3: 1000 }, { acceptLossOf: ["ams3"] }))).toEqual([]);
    });

    it("when configured numbers leave too few without one region, for each such region", () => {
        const station = crowd({ ams3: 2000, nyc3: 2000 });
        const pools = station.pools.map((pool) => ({ ...pool, count: 1 }));
        expect(shortagesOf({ ...station, pools })).toEqual([
            "without ams3, the other Relays carry 2,200 of 4,000 listeners",
            "without nyc3, the other Relays carry 2,200 of 4,000 listeners",
        ]);
        expect(shortagesOf({ ...station, pools, acceptLossOf: ["ams3"] })).toHaveLength(1);
    });

    it("when there are too few in any case, whatever is accepted", () => {
        const station = crowd({ ams3: 5000, nyc3: 0 }, { acceptLossOf: ["ams3", "nyc3"] });
        const pools = station.pools.map((pool) => ({ ...pool, count: 1 }));
        expect(shortagesOf({ ...station, pools })).toEqual(["all Relays carry 4,400 of 5,000 listeners"]);
    });
});

describe("the cost of a month", () => {
    it("of a small station has the figures worked out by hand", () => {
        const plan = planStation(plannedStation());
        expect(usdOf(plan, "Masters")).toBe(36);
        expect(usdOf(plan, "Relays ams3")).toBe(12);
        // 400 listeners for 730 h at 128 kbit/s: 56.5 GiB for 1,000 hours of them.
        expect(plan.listeners).toMatchObject({ average: 400, hoursPerMonth: 292_000, bitrateKbps: 128 });
        expect(plan.transfer.listenersGiB / 292).toBeCloseTo(56.5, 1);
        // Four Relays pull 256 kbit/s from two Masters, and the other Master three sources of 320: 3,008 kbit/s all month.
        expect(plan.transfer.linksGiB).toBeCloseTo((3008 / 8) * 3600 * 730 * 1.053 * (1000 / 2 ** 30), 3);
        expect(plan.transfer.includedGiB).toBe(2 * 3000 + 4 * 1000);
        const over = plan.transfer.listenersGiB + plan.transfer.linksGiB - 10_000;
        expect(usdOf(plan, "Transfer")).toBeCloseTo(over * 0.01, 2);
        // Pro 25, balancing 5 with two of 6 endpoints, 4 × 5, geography 10, 84,000 queries above half a million.
        expect(plan.endpoints).toBe(6);
        expect(usdOf(plan, "Names")).toBe(25 + 5 + 20 + 10 + 0.08);
        expect(plan.monthlyUsd).toBeCloseTo(
            plan.items.reduce((sum, { monthlyUsd }) => sum + monthlyUsd, 0),
            6,
        );
        expect(plan.usdPer1000ListenerHours).toBeCloseTo(plan.monthlyUsd / 292, 3);
    });

    it("without listeners is that of the machines, and there is no cost for a listener-hour", () => {
        const plan = planStation(crowd({ ams3: 0, nyc3: 0 }));
        expect(usdOf(plan, "Transfer")).toBe(0);
        expect(plan.listeners).toMatchObject({ peak: 0, average: 0, hoursPerMonth: 0 });
        expect(plan.usdPer1000ListenerHours).toBeUndefined();
        expect(plan.bigServer).toBeUndefined();
        expect(shortagesOf(crowd({ ams3: 0, nyc3: 0 }))).toEqual([]);
        expect(describePlan(plan)).toHaveLength(2);
    });

    it("where nobody has said how many listen, is that of what is configured", () => {
        const { listeners: _, ...station } = plannedStation();
        const pools = station.pools.map((pool) => ({ ...pool, count: 3 }));
        const plan = planStation({ ...station, pools });
        expect(plan.listeners).toBeUndefined();
        expect(usdOf(plan, "Relays ams3")).toBe(18);
        expect(describePlan(plan)).toEqual([
            `Plan: $${plan.monthlyUsd.toFixed(2)} a month without what listeners hear; Relays: ams3 3, nyc3 3; they carry 13,200 ` +
                "listeners (describe aerial:station.expected.listeners to plan for yours)",
        ]);
        expect(planStation({ ...station, pools: pools.slice(0, 1) }).warnings).toEqual([
            "all Relays are in one region: when it is lost, listeners have nowhere else to go",
        ]);
    });

    it("of a monitoring machine is its droplet's, and its Ears hear every format in each region all month", () => {
        const before = planStation(plannedStation());
        const plan = planStation({ ...plannedStation(), monitoring: { size: "s-1vcpu-1gb" } });
        expect(usdOf(plan, "Monitoring")).toBe(6);
        // 256 kbit/s in each of two regions.
        expect(plan.transfer.linksGiB - before.transfer.linksGiB).toBeCloseTo(
            ((2 * 256) / 8) * 3600 * 730 * 1.053 * (1000 / 2 ** 30),
            3,
        );
    });

    it("of one more format is that of its links, and of what those hear who choose it", () => {
        const before = plannedStation();
        const withOpus = (part: number): StationToPlan => ({
            ...before,
            formats: [
                ...before.formats.map((format) => ({ ...format, part: format.part * (1 - part) })),
                { mount: "/main.opus", bitrateKbps: 96, part },
            ],
        });
        const [none, some] = [planStation(withOpus(0)), planStation(withOpus(0.5))];
        const plan = planStation(before);
        expect(none.transfer.listenersGiB).toBeCloseTo(plan.transfer.listenersGiB, 6);
        // Four Relays pull 96 kbit/s from two Masters.
        expect(none.transfer.linksGiB - plan.transfer.linksGiB).toBeCloseTo(
            ((4 * 2 * 96) / 8) * 3600 * 730 * 1.053 * (1000 / 2 ** 30),
            3,
        );
        // Half hear 96 instead of 128 on average.
        expect(some.transfer.listenersGiB / plan.transfer.listenersGiB).toBeCloseTo(112 / 128, 6);
        expect(some.monthlyUsd).toBeLessThan(none.monthlyUsd);
    });

    it("has less for Masters to send where a second tier pulls from Relays", () => {
        const tiers = plannedStation({
            pools: [
                { region: "ams3", size: "s-1vcpu-1gb", upstreamRegions: [] },
                { region: "nyc3", size: "s-1vcpu-1gb", upstreamRegions: ["ams3"] },
            ],
            masters: ["s-2vcpu-2gb", "s-2vcpu-2gb", "s-2vcpu-2gb"],
        });
        const flat = { ...tiers, pools: plannedStation().pools };
        // Two Relays pull from two Relays instead of three Masters: 256 kbit/s less each.
        const saved = planStation(flat).transfer.linksGiB - planStation(tiers).transfer.linksGiB;
        expect(saved).toBeCloseTo(((2 * 256) / 8) * 3600 * 730 * 1.053 * (1000 / 2 ** 30), 3);
    });

    it("has the canary at rest, with its listeners, and with its group for some hours", () => {
        const plan = planStation(plannedStation({ canary: plannedCanary }));
        expect(usdOf(plan, "Canary")).toBeCloseTo(1.517 * (365 / 12), 0);
        // 0.1 of 2.1 weights of 300 listeners: 14.3 of them, 60.7 GB for 1,000 hours; 100 GB are free.
        const gb = ((0.1 / 2.1) * 300 * 730 * 60.65) / 1000;
        expect(plan.transfer.canaryGiB * 1.073741824).toBeCloseTo(gb, 0);
        expect(usdOf(plan, "Canary's listeners")).toBeCloseTo(
            (gb - 100) * 0.09 + gb * 1.2 * (0.006 + 0.5 * 0.02),
            0,
        );
        const day = usdOf(
            planStation(plannedStation({ canary: { ...plannedCanary, groupHours: 24 } })),
            "Canary's group",
        );
        expect(usdOf(plan, "Canary's group")).toBeCloseTo(day / 48, 1);
        expect(day).toBeGreaterThan(500);
        expect(plan.endpoints).toBe(9);
    });

    it("has shows by storage class, their copy, and what the weekly restore drill reads", () => {
        const backup: StationToPlan["backup"] = {
            region: "us-east-1",
            showsGiB: 100,
            ...defaultRetention,
        };
        const playout = { size: "s-2vcpu-2gb", volumeGiB: 100, channels: 1 };
        const plan = planStation(plannedStation({ backup, playout }));
        const [standard, rare, glacier] = [30 / 365, 60 / 365, 275 / 365];
        expect(showParts(backup.showClasses).map(({ part }) => part)).toEqual([standard, rare, glacier]);
        expect(usdOf(plan, "Shows")).toBeCloseTo(
            100 * (standard * 0.023 + rare * 0.0125 + glacier * 0.004),
            2,
        );
        // 52 reads a year of 107 GB at 0.09, the first 100 GB free, and what the classes take for it.
        const reads = 365 / 12 / 7;
        expect(usdOf(plan, "Restore drills")).toBeCloseTo(
            (reads * 107.374 - 100) * 0.09 + reads * 100 * (rare * 0.01 + glacier * 0.03),
            1,
        );
        expect(usdOf(plan, "Playout")).toBe(18 + 10);
        const copied = planStation(
            plannedStation({ backup: { ...backup, copyRegion: "us-east-2" }, playout }),
        );
        expect(usdOf(copied, "Shows")).toBeGreaterThan(2 * usdOf(plan, "Shows"));
        // No playout, no drills.
        expect(planStation(plannedStation({ backup })).items.map(({ name }) => name)).not.toContain(
            "Restore drills",
        );
    });

    it("gives the account's free egress only once", () => {
        const backup: StationToPlan["backup"] = {
            region: "eu-central-1",
            showsGiB: 20,
            showClasses: [],
            archiveDays: 30,
        };
        const playout = { size: "s-2vcpu-2gb", volumeGiB: 100, channels: 1 };
        const alone = planStation(plannedStation({ backup, playout }));
        const beside = planStation(plannedStation({ backup, playout, canary: plannedCanary }));
        expect(usdOf(alone, "Restore drills")).toBe(0);
        // 93 GB at 0.09, since the canary has used what is free.
        expect(usdOf(beside, "Restore drills")).toBeCloseTo(93.3 * 0.09, 1);
    });

    it("says that a contract's price is not in the sum", () => {
        const plan = planStation(plannedStation({ dns: { service: "cloudflare", plan: "enterprise" } }));
        expect(plan.items.at(-1)).toMatchObject({
            monthlyUsd: 0,
            detail: expect.stringContaining("as in your contract, not in the sum") as string,
        });
    });

    it("is about 10 dollars for twelve endpoints at Route 53, and about 60 and its plan at Cloudflare", () => {
        const pools = plannedStation().pools.map((pool) => ({ ...pool, count: 5 }));
        const names = (dns: StationToPlan["dns"]): number =>
            usdOf(planStation(plannedStation({ pools, dns })), "Names");
        expect(names({ service: "route53" })).toBeGreaterThan(9);
        expect(names({ service: "route53" })).toBeLessThan(12);
        expect(names({ service: "cloudflare", plan: "free" })).toBeGreaterThan(55);
        expect(names({ service: "cloudflare", plan: "free" })).toBeLessThan(75);
    });

    const anyStation = fc.record({
        average: fc.integer({ min: 1, max: 20_000 }),
        hoursPerDay: fc.integer({ min: 1, max: 23 }),
        size: fc.constantFrom(...Object.keys(digitalOceanPrices.sizes)),
        canary: fc.boolean(),
    });
    const stationOf = ({
        average,
        hoursPerDay,
        size,
        canary,
    }: {
        average: number;
        hoursPerDay: number;
        size: string;
        canary: boolean;
    }) =>
        plannedStation({
            hoursPerDay,
            pools: plannedStation().pools.map((pool) => ({ ...pool, size, count: 10 })),
            listeners: ["ams3", "nyc3"].map((region) => ({ region, peak: average * 3, average })),
            ...(canary && { canary: plannedCanary }),
        });

    it("never falls with more listeners, more hours or a larger bitrate", () => {
        fc.assert(
            fc.property(anyStation, (given) => {
                const cost = planStation(stationOf(given)).monthlyUsd;
                const station = stationOf(given);
                for (const more of [
                    stationOf({ ...given, average: given.average + 100 }),
                    stationOf({ ...given, hoursPerDay: given.hoursPerDay + 1 }),
                    {
                        ...station,
                        formats: station.formats.map((format) => ({ ...format, bitrateKbps: 256 })),
                    },
                ]) {
                    expect(planStation(more).monthlyUsd).toBeGreaterThanOrEqual(cost);
                }
            }),
        );
    });

    it("is the sum of its items, which are whole cents and never negative", () => {
        fc.assert(
            fc.property(anyStation, (given) => {
                const { items, monthlyUsd } = planStation(stationOf(given));
                expect(items.every(({ monthlyUsd: usd }) => usd >= 0)).toBe(true);
                expect(items.reduce((sum, { monthlyUsd: usd }) => sum + usd, 0)).toBeCloseTo(monthlyUsd, 5);
            }),
        );
    });
});

/*
 * The story: one rented server, and a cure that carried ten times its listeners at a fifth of its cost. Nobody wrote down how
 * many there were. More than are assumed make the comparison better, since what is fixed counts less.
 */
describe("beside the story's single server", () => {
    /** The story's own listeners from one server, at Amazon's prices: those of then were higher. */
    const server = planStation(storyStation(storyAverage)).bigServer!;
    /** Five Relays a region bring the transfer, within the endpoints of Cloudflare's plan. */
    const plan = planStation(storyStation(10 * storyAverage, 5));

    it("ten times the listeners cost a tenth or less for each hour that somebody listens", () => {
        expect(server.servers).toBe(1);
        expect(plan.endpoints).toBeLessThanOrEqual(20);
        const serverUsd = server.monthlyUsd / ((storyAverage * 730) / 1000);
        expect(plan.usdPer1000ListenerHours).toBeLessThanOrEqual(serverUsd / 10);
    });

    it("ten times the listeners cost less than that server in all, with nothing left out that keeps them on air", () => {
        expect(plan.monthlyUsd).toBeLessThan(server.monthlyUsd);
        expect(plan.items.map(({ name }) => name)).toEqual(
            expect.arrayContaining(["Masters", "Playout", "Canary"]),
        );
        expect(plan.losses.every(({ carried }) => carried >= 30 * storyAverage)).toBe(true);
    });
});

describe("warnings", () => {
    it("name a canary that grows by its usual share, and an account that is dearer than its budget", () => {
        const station = crowd(
            { ams3: 20_000, nyc3: 20_000 },
            { canary: { ...plannedCanary, instanceType: "t4g.micro", share: 1 } },
        );
        expect(planStation(station).warnings).toEqual([
            expect.stringMatching(
                /^the canary sends \d+ Mbit\/s on average, and grows above 44: lower canary.share/,
            ),
            expect.stringMatching(
                /^Amazon costs about \$[\d,.]+ a month, and canary.budget.monthlyUsd is 100/,
            ),
        ]);
        expect(planStation(plannedStation({ canary: { ...plannedCanary, share: 0.01 } })).warnings).toEqual(
            [],
        );
    });

    it("name what is accepted, and what need not be", () => {
        const needed = crowd({ ams3: 9000, nyc3: 500 }, { acceptLossOf: ["ams3"] });
        expect(planStation(needed).warnings).toEqual([
            "accepted: when ams3 is lost, the other Relays carry 4,400 of 9,500 listeners",
        ]);
        expect(planStation(plannedStation({ acceptLossOf: ["nyc3"] })).warnings).toEqual([
            "expected.acceptLossOf names nyc3, but the other regions carry its loss",
        ]);
    });

    it("name a region that cannot serve its own listeners, though all together can", () => {
        const station = crowd({ ams3: 3000, nyc3: 0 });
        const pools = station.pools.map((pool, index) => ({ ...pool, count: index === 0 ? 1 : 4 }));
        expect(planStation({ ...station, pools, acceptLossOf: ["nyc3"] }).warnings[0]).toBe(
            "Relays of ams3 carry 2,200 of their own 3,000 listeners; the others go to the next region",
        );
    });
});

describe("prices", () => {
    it("have a date and a source in each part of the table, none from the future", () => {
        for (const { read, source } of Object.values(priceSources)) {
            expect(read).toMatch(/^\d{4}-\d\d-\d\d$/);
            expect(new Date(read).getTime()).toBeLessThan(Date.now());
            expect(source.length).toBeGreaterThan(10);
        }
    });

    it("are named when they are older than six months, and not a day before", () => {
        const sources = { Someone: { read: "2026-02-28", source: "a page" } };
        expect(stalePrices("2026-08-28", sources)).toEqual([]);
        expect(stalePrices("2026-08-29", sources)).toEqual([
            "prices of Someone were read on 2026-02-28, more than six months ago: compare model/prices.ts with today's",
        ]);
    });
});

describe("the words of a plan", () => {
    it("say cost, cost for an hour, Relays and the worst loss", () => {
        const plan = planStation(plannedStation());
        expect(describePlan(plan)).toEqual([
            `Plan: $${plan.monthlyUsd.toFixed(2)} a month for 1,500 listeners at the peak, 400 on average, at 128 kbit/s`,
            `Plan: $${plan.usdPer1000ListenerHours?.toFixed(2)} for 1,000 listener-hours; one big server would cost ` +
                `${dollars(plan.bigServer?.monthlyUsd ?? 0)} a month`,
            "Plan: Relays: ams3 2, nyc3 2; without ams3, the others carry 4,400 listeners",
        ]);
    });

    it("say what changes against what runs, item by item", () => {
        const before = planStation(plannedStation());
        expect(describeDifference(undefined, before)).toEqual([]);
        expect(describeDifference(before, before)).toEqual(["Plan: costs as what runs"]);
        const pools = plannedStation().pools.map((pool) => ({
            ...pool,
            count: pool.region === "ams3" ? 3 : 2,
        }));
        const after = planStation(plannedStation({ pools, dns: { service: "route53" } }));
        const [line] = describeDifference(before, after);
        expect(line).toMatch(/^Plan: -\$\d+\.\d\d a month against what runs: Relays ams3 \+\$6\.00, /);
        expect(line).toContain("Names -$");
    });

    it("name items that came and went", () => {
        const without = planStation(plannedStation());
        const withCanary = planStation(plannedStation({ canary: plannedCanary }));
        expect(describeDifference(without, withCanary)[0]).toContain("Canary +$46");
        expect(describeDifference(withCanary, without)[0]).toContain("Canary -$46");
    });

    it("are a table whose columns stand under each other", () => {
        const station = plannedStation({ canary: plannedCanary });
        const lines = planTable(planStation(station), planLevers(station));
        const at = lines.indexOf("") + 1;
        expect(lines[at]).toMatch(/^Region +Relays +planner's/);
        expect(lines[at + 1]).toMatch(/^ams3 +2 +2 +s-1vcpu-1gb +2,200 +1,000 +300 +4,400$/);
        expect(lines.some((line) => /^Sum +\$[\d,.]+$/.test(line))).toBe(true);
        expect(lines.some((line) => /^names at Route 53 +-\$/.test(line))).toBe(true);
    });
});

describe("levers", () => {
    it("say what each brings, the largest saving first", () => {
        const station = crowd({ ams3: 12_000, nyc3: 6000 }, { canary: plannedCanary });
        const levers = planLevers(station);
        const changes = levers.map(({ changeUsd }) => changeUsd);
        expect(changes).toEqual([...changes].sort((one, other) => one - other));
        const of = (words: string): number => levers.find(({ what }) => what.includes(words))!.changeUsd;
        expect(of("no format above 128")).toBeLessThan(0);
        expect(of("choose 64 kbit/s")).toBeLessThan(0);
        expect(of("HLS")).toBeLessThan(0);
        expect(of("share of 0.01")).toBeLessThan(0);
        expect(levers.map(({ what }) => what)).not.toContain(
            "Relays of size s-1vcpu-1gb, as many as it takes",
        );
    });

    it("know how many more Relays pay for themselves by the transfer that their price includes", () => {
        const station = crowd({ ams3: 3000, nyc3: 1500 }, { dns: { service: "route53" } });
        const found = planLevers(station).find(({ what }) => what.includes("more Relays in each region"));
        const more = Number(/^\d+/.exec(found!.what)![0]);
        const counts = countsOf(station);
        const withMore = (added: number): number =>
            planStation({
                ...station,
                pools: station.pools.map((pool, index) => ({ ...pool, count: counts[index]! + added })),
            }).monthlyUsd;
        expect(withMore(more)).toBeCloseTo(withMore(0) + found!.changeUsd, 2);
        expect(withMore(more)).toBeLessThanOrEqual(Math.min(withMore(more - 1), withMore(more + 1)));
    });

    it("know which size of Relays is cheapest, with what larger ones mean for the canary's share", () => {
        const sizes = (change: Partial<StationToPlan>): number =>
            planLevers(crowd({ ams3: 12_000, nyc3: 6000 }, change)).find(({ what }) =>
                what.startsWith("Relays of size s-2vcpu-2gb"),
            )!.changeUsd;
        expect(sizes({})).toBeLessThan(0);
        // Its weight is that of a part of a Relay, and a larger Relay has more listeners.
        expect(sizes({ canary: plannedCanary })).toBeGreaterThan(sizes({}));
    });

    it("of a station without listeners are those of what is fixed", () => {
        expect(planLevers(crowd({ ams3: 0, nyc3: 0 })).map(({ what }) => what)).toEqual([
            "names at Route 53",
        ]);
    });
});
