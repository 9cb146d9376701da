import fc from "fast-check";

import { planSteering, type SteeredPool } from "../../components/geoDns/steering";
import { distanceKm } from "../../model/geography";
import { digitalOceanRegions } from "../../model/providerRegions";
import { steeringRegionOf, steeringRegions } from "../../model/steeringRegions";

function pool(region: string, capacity = 1000): SteeredPool {
    const facts = digitalOceanRegions[region];
    if (!facts) {
        throw new Error(`no region ${region}`);
    }
    return { name: region, place: facts, capacity };
}

const canary: SteeredPool = { ...pool("fra1", 100_000), name: "canary", lastResort: true };
const allRegions = Object.keys(digitalOceanRegions);

describe("distance", () => {
    it("is the great circle's", () => {
        const km = distanceKm(pool("ams3").place, pool("nyc3").place);
        expect(km).toBeGreaterThan(5800);
        expect(km).toBeLessThan(5950);
    });
});

describe("steering", () => {
    it("sends the world to the only pool there is", () => {
        const steering = planSteering([pool("ams3")]);
        expect(new Set(Object.values(steering.byRegion).flat())).toEqual(new Set(["ams3"]));
        expect(steering.fallback).toBe("ams3");
    });

    it("of Amsterdam, New York and Singapore is as a listener would draw it", () => {
        const { byRegion } = planSteering([pool("ams3"), pool("nyc3"), pool("sgp1")]);
        expect(byRegion).toEqual({
            WNAM: ["nyc3", "ams3", "sgp1"],
            ENAM: ["nyc3", "ams3", "sgp1"],
            WEU: ["ams3", "nyc3", "sgp1"],
            EEU: ["ams3", "nyc3", "sgp1"],
            NSAM: ["nyc3", "ams3", "sgp1"],
            SSAM: ["nyc3", "ams3", "sgp1"],
            OC: ["sgp1", "nyc3", "ams3"],
            ME: ["ams3", "sgp1", "nyc3"],
            NAF: ["ams3", "nyc3", "sgp1"],
            SAF: ["ams3", "nyc3", "sgp1"],
            SAS: ["sgp1", "ams3", "nyc3"],
            SEAS: ["sgp1", "ams3", "nyc3"],
            NEAS: ["sgp1", "ams3", "nyc3"],
        });
    });

    it("of every provider region at once sends each part of the world to its neighbour first", () => {
        const { byRegion } = planSteering(allRegions.map((region) => pool(region)));
        const first = Object.fromEntries(
            Object.entries(byRegion).map(([region, order]) => [region, order[0]]),
        );
        expect(first).toMatchObject({
            WNAM: "sfo2",
            ENAM: "tor1",
            EEU: "fra1",
            OC: "syd1",
            SAS: "blr1",
            SEAS: "sgp1",
            NEAS: "sgp1",
            NSAM: "atl1",
        });
        expect(["ams3", "fra1", "lon1"]).toContain(first.WEU);
        expect(["ams3", "fra1", "lon1"]).toContain(first.NAF);
    });

    it.each(Array.from({ length: 13 }, (_, index) => index + 1))(
        "of %i regions names every pool once in every order, emergencies last",
        (count) => {
            const pools = [...allRegions.slice(0, count).map((region) => pool(region)), canary];
            const steering = planSteering(pools);
            expect(Object.keys(steering.byRegion)).toEqual([...steeringRegions]);
            for (const order of [...Object.values(steering.byRegion), steering.order]) {
                expect([...order].sort()).toEqual(pools.map((p) => p.name).sort());
                expect(order.at(-1)).toBe("canary");
            }
            expect(steering.fallback).not.toBe("canary");
        },
    );

    it("falls back to the pool that carries most", () => {
        const steering = planSteering([pool("ams3", 2200), pool("nyc3", 6600), pool("sgp1", 4400)]);
        expect(steering.fallback).toBe("nyc3");
        expect(steering.order).toEqual(["nyc3", "sgp1", "ams3"]);
    });

    it("does not depend on the order in which pools are described", () => {
        fc.assert(
            fc.property(fc.shuffledSubarray(allRegions, { minLength: 1 }), (regions) => {
                const described = planSteering(regions.map((region) => pool(region)));
                const sorted = planSteering([...regions].sort().map((region) => pool(region)));
                expect(described).toEqual(sorted);
            }),
        );
    });

    it("refuses no pool at all, and two of one name", () => {
        expect(() => planSteering([])).toThrow("there is no pool to steer to");
        expect(() => planSteering([pool("ams3"), pool("ams3")])).toThrow("two pools have one name");
    });
});

describe("a provider region", () => {
    it.each([
        ["ams3", "WEU"],
        ["nyc3", "ENAM"],
        ["sfo3", "WNAM"],
        ["sgp1", "SEAS"],
        ["blr1", "SAS"],
        ["syd1", "OC"],
    ])("%s belongs to %s", (region, expected) => {
        expect(steeringRegionOf(pool(region).place)).toBe(expected);
    });
});
