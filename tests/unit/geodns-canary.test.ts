import fc from "fast-check";

import { addCanary, type CanaryPool } from "../../components/geoDns/canaryPool";
import type { GeoDnsArgs } from "../../components/geoDns";
import { planSteering } from "../../components/geoDns/steering";
import { nearestTo } from "../../model/geography";
import { awsRegions, digitalOceanRegions } from "../../model/providerRegions";
import { stationNames } from "../../model/stationNames";
import type { record, Recorded } from "../support/mocks";

function placeOf(region: string) {
    const { latitude, longitude } = { ...digitalOceanRegions, ...awsRegions }[region]!;
    return { latitude, longitude };
}

function pool(region: string) {
    return {
        ...{ region, place: placeOf(region), capacity: 1000 },
        // As text, 10 comes before 9.
        members: (region === "nyc3" ? [9, 10] : [1, 2]).map((n) => ({
            name: `relay-${region}-${n}`,
            address: `192.0.2.${n}`,
        })),
    };
}

const canary: CanaryPool = {
    region: "canary",
    place: placeOf("eu-central-1"),
    addresses: ["a", "b"].map((zone, n) => ({ name: `aws-${zone}`, address: `198.51.100.${n + 1}` })),
    share: 0.1,
};

describe("the canary's pool", () => {
    it("is last in every order, and with its share in the nearest pool", () => {
        const [nyc, fra, last] = addCanary([pool("nyc3"), pool("fra1")], canary);
        expect(nyc?.members.map(({ name }) => name)).toEqual(["relay-nyc3-9", "relay-nyc3-10"]);
        expect(fra?.members).toEqual([
            ...pool("fra1").members,
            { name: "aws-a", address: "198.51.100.1", weight: 0.1 },
        ]);
        expect(last).toMatchObject({ region: "canary", lastResort: true, members: canary.addresses });
    });

    it.each([
        ["eu-central-1", "fra1"],
        ["us-east-1", "nyc3"],
        ["ap-southeast-2", "syd1"],
        ["sa-east-1", "nyc3"],
    ])("in %s is nearest to %s", (aws, expected) => {
        const pools = ["fra1", "nyc3", "sgp1", "syd1"].map(pool);
        expect(nearestTo(placeOf(aws), pools)?.region).toBe(expected);
    });

    it("does not exist for a station without a canary", () => {
        expect(addCanary([pool("ams3")], undefined)).toEqual([pool("ams3")]);
    });

    it("is behind every other pool for all the world, wherever they are, and never the fallback", () => {
        const regions = fc.uniqueArray(fc.constantFrom(...Object.keys(digitalOceanRegions)), {
            minLength: 1,
        });
        fc.assert(
            fc.property(regions, fc.constantFrom(...Object.keys(awsRegions)), (chosen, aws) => {
                const pools = addCanary(chosen.map(pool), { ...canary, place: placeOf(aws) });
                const steering = planSteering(pools.map((one) => ({ ...one, name: one.region })));
                for (const order of [steering.order, ...Object.values(steering.byRegion)]) {
                    expect(order.at(-1)).toBe("canary");
                    expect(order).toHaveLength(chosen.length + 1);
                }
                expect(steering.fallback).not.toBe("canary");
                const weighted = pools.flatMap((one) => one.members.filter(({ weight }) => weight === 0.1));
                expect(weighted).toHaveLength(1);
            }),
        );
    });
});

describe("its names", () => {
    let resources: Recorded[];

    beforeAll(async () => {
        await jest.isolateModulesAsync(async () => {
            /* eslint-disable @typescript-eslint/no-require-imports */
            const mocks = require("../support/mocks") as { record: typeof record };
            const { GeoDns } = require("../../components/geoDns") as typeof import("../../components/geoDns");
            const { CloudflareDns } =
                require("../../components/geoDns/cloudflare") as typeof import("../../components/geoDns/cloudflare");
            /* eslint-enable @typescript-eslint/no-require-imports */
            const check: GeoDnsArgs["check"] = {
                ...{ intervalSeconds: 60, timeoutSeconds: 5, retries: 1, downAfter: 2, upAfter: 2 },
            };
            resources = await mocks.record(() => {
                new GeoDns("names", {
                    ...{ prefix: "aerial-test", names: stationNames("radio.test", ["fra1", "nyc3"]), check },
                    service: new CloudflareDns({ accountId: "0".repeat(32), zoneId: "1".repeat(32) }),
                    ...{ ttlSeconds: 30, recordTtlSeconds: 60, canary },
                    pools: [pool("fra1"), pool("nyc3")],
                    masters: [{ name: "a", place: placeOf("fra1"), address: "192.0.2.9" }],
                });
            });
        });
    });

    const poolInputs = (name: string): Record<string, unknown> =>
        resources.find((one) => one.type.endsWith("LoadBalancerPool") && one.name === name)!.inputs;

    it("give weights where they differ, and leave other pools as they were", () => {
        expect(poolInputs("aerial-test-stream-fra1")).toMatchObject({
            originSteering: { policy: "random" },
            origins: [
                { name: "aws-a", address: "198.51.100.1", weight: 0.1 },
                { name: "relay-fra1-1", weight: 1 },
                { name: "relay-fra1-2", weight: 1 },
            ],
        });
        for (const name of ["aerial-test-stream-nyc3", "aerial-test-stream-canary"]) {
            expect(poolInputs(name)).not.toHaveProperty("originSteering");
            expect(JSON.stringify(poolInputs(name))).not.toContain("weight");
        }
        expect(poolInputs("aerial-test-stream-canary").origins).toHaveLength(2);
    });

    it("have their members in the order of the names as text, as the API gives them back", () => {
        const pools = resources.filter((one) => one.type.endsWith("LoadBalancerPool"));
        for (const { inputs } of pools) {
            const names = (inputs.origins as { name: string }[]).map(({ name }) => name);
            expect(names).toEqual([...names].sort());
        }
        expect(poolInputs("aerial-test-stream-nyc3").origins).toMatchObject([
            { name: "relay-nyc3-10" },
            { name: "relay-nyc3-9" },
        ]);
    });

    it("have no plain name that leads to it", () => {
        const records = resources
            .filter(({ type }) => type.endsWith("DnsRecord"))
            .map(({ inputs }) => inputs);
        expect(new Set(records.map(({ name }) => name))).toEqual(
            new Set(["fra1.stream.radio.test", "nyc3.stream.radio.test"]),
        );
        expect(JSON.stringify(records)).not.toContain("198.51.100");
    });
});
