import fc from "fast-check";
import { z } from "zod";

import { awsSchema } from "../../config/aws";
import { canarySchema, instanceListenerLimit, planCanary, refuseCanaryMistakes } from "../../config/canary";
import { dnsSchema, refuseBeyondPlan } from "../../config/dns";
import { rolloutSchema } from "../../config/rollout";
import { bytesPerMinute, maximumUsdPerDay } from "../../model/canaryCosts";
import { amazonPrices } from "../../model/prices";
import { awsRegions } from "../../model/providerRegions";

const station = z
    .strictObject({
        aws: awsSchema.optional(),
        canary: canarySchema.optional(),
        rollout: rolloutSchema.prefault({}),
        channels: z.array(z.strictObject({ formats: z.array(z.strictObject({ bitrateKbps: z.number() })) })),
    })
    .superRefine(refuseCanaryMistakes);

const budget = { monthlyUsd: 200, emails: ["tech@radio.test"] };
const zones = ["eu-central-1a", "eu-central-1b"];
const whole = {
    aws: { accountId: "123456789012", region: "eu-central-1" },
    canary: { zones, budget } as Record<string, unknown>,
    channels: [{ formats: [{ bitrateKbps: 192 }, { bitrateKbps: 64 }] }],
};

function mistakes(canary: Record<string, unknown>, change: object = {}): string[] {
    const result = station.safeParse({ ...whole, canary: { ...whole.canary, ...canary }, ...change });
    return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("a canary", () => {
    it("has a default for nearly every setting", () => {
        const { canary } = station.parse(whole);
        expect(canary).toMatchObject({
            instanceType: "t4g.small",
            minInstances: 1,
            maxInstances: 6,
            share: 0.1,
            warmUpSeconds: 180,
            readySeconds: 300,
        });
    });

    it.each<[string, Record<string, unknown>, string]>([
        ["min above max", { minInstances: 7 }, "canary.minInstances: use at most 6, or raise maxInstances"],
        ["none", { minInstances: 0 }, "canary.minInstances: use a whole number of instances, 1 to 50"],
        ["half a machine", { maxInstances: 1.5 }, "canary.maxInstances: use a whole number of instances"],
        [
            "an unknown type",
            { instanceType: "t9.huge" },
            "canary.instanceType: use an instance type: t4g.nano",
        ],
        ["one zone only", { zones: zones.slice(0, 1) }, "canary.zones: name two zones or more"],
        ["a zone twice", { zones: [zones[0], zones[0]] }, "canary.zones.1: use each zone once"],
        [
            "a zone of another region",
            { zones: ["us-east-1a", "eu-central-1b"] },
            "canary.zones.0: use a zone of eu-central-1, such as eu-central-1a or eu-central-1b",
        ],
        ["a region as zone", { zones: ["eu-central-1", "eu-central-1b"] }, "canary.zones.0: use a zone of"],
        ["no share", { share: 0 }, "canary.share: use 0.01 to 1"],
        ["too fine a share", { share: 0.125 }, "canary.share: use two decimals"],
        [
            "more than the type may send",
            { targetMbps: 129 },
            "canary.targetMbps: t4g.small can send 128 Mbit/s all day; use at most that, or a larger type",
        ],
        [
            "a budget below what it costs idle",
            { budget: { ...budget, monthlyUsd: 20 } },
            "canary.budget.monthlyUsd: without any listener the canary costs",
        ],
        [
            "nobody to tell",
            { budget: { ...budget, emails: [] } },
            "canary.budget.emails: name at least one address",
        ],
        ["an unknown setting", { size: "x" }, "canary: Unrecognized key"],
    ])("with %s is refused with the remedy", (_, change, message) => {
        expect(mistakes(change)).toEqual([expect.stringContaining(message)]);
    });

    it("without an account is refused with the remedy", () => {
        expect(mistakes({}, { aws: undefined })).toEqual([
            expect.stringContaining("aws: the canary runs at"),
        ]);
    });

    it("is absent if the configuration does not describe it", () => {
        expect(planCanary(station.parse({ ...whole, canary: undefined }))).toBeUndefined();
    });

    it("is counted among what DNS has to serve", () => {
        const dns = dnsSchema.parse({
            accountId: "0".repeat(32),
            zoneId: "1".repeat(32),
            limits: { pools: 4, endpoints: 7 },
        });
        const beyond = (canary: { zones: string[] } | undefined): string[] => {
            const check = z.any().superRefine((_, context) => {
                refuseBeyondPlan({ dns, masters: [1, 2], relays: [{ count: 2 }], canary }, context);
            });
            return (check.safeParse({}).error?.issues ?? []).map(({ message }) => message);
        };
        expect(beyond(undefined)).toEqual([]);
        // Four pools; 2 Masters, 2 Relays, 2 addresses and one of them again.
        expect(beyond({ zones })).toEqual([]);
        expect(beyond({ zones: [...zones, "eu-central-1c"] })).toEqual([
            expect.stringContaining("needs 8 endpoints, and the plan allows 7"),
        ]);
    });
});

describe("its plan", () => {
    it("of a t4g.small in Frankfurt has the figures worked out by hand", () => {
        const plan = planCanary(station.parse(whole))!;
        expect(plan).toMatchObject({
            architecture: "arm64",
            // 70 % of 128 Mbit/s.
            targetMbps: 89,
            // Two cores; 2 GiB would do for 4,505.
            listenerLimit: 4400,
            region: "eu-central-1",
            // Two hours for droplets; Amazon allows one.
            drainLimitSeconds: 3600,
        });
        expect(planCanary(station.parse({ ...whole, rollout: { drainLimitSeconds: 60 } }))).toMatchObject({
            drainLimitSeconds: 60,
        });
        // A canary, its address and disk, the balancer and its two: 24 * (3 * .005 + 1.2 * (.0168 + .0225)) + 1.2 * .64 / 30.4.
        expect(plan.restingUsdPerDay).toBeCloseTo(1.52, 1);
        // Six at 89 Mbit/s send 5,767 GB a day, at 0.09 and what the balancer takes.
        expect(plan.maximumUsdPerDay).toBeGreaterThan(5767 * 0.09);
        expect(plan.maximumUsdPerDay).toBeLessThan(5767 * 0.115);
    });

    it.each([
        ["t4g.nano", 192, 1126],
        ["t4g.small", 192, 4400],
        ["c7g.medium", 192, 2200],
        ["c7g.xlarge", 64, 8800],
        ["c7g.xlarge", 2000, 5935],
    ])("lets %s carry listeners of %i kbit/s up to %i", (type, bitrateKbps, listeners) => {
        expect(instanceListenerLimit(type, bitrateKbps)).toBe(listeners);
    });

    it("counts bytes as the metric does", () => {
        expect(bytesPerMinute(8)).toBe(60_000_000);
    });

    it("knows the prices of every region", () => {
        expect(Object.keys(amazonPrices.regions).sort()).toEqual(Object.keys(awsRegions).sort());
    });

    it("never costs less for more: instances, zones, traffic", () => {
        const anyCanary = fc.record({
            instanceType: fc.constantFrom(...Object.keys(amazonPrices.instanceTypes)),
            zones: fc.integer({ min: 2, max: 5 }).map((count) => Array.from({ length: count }, String)),
            maxInstances: fc.integer({ min: 1, max: 49 }),
            targetMbps: fc.integer({ min: 1, max: 30 }),
        });
        fc.assert(
            fc.property(anyCanary, fc.constantFrom(...Object.keys(awsRegions)), (canary, region) => {
                const cost = maximumUsdPerDay(canary, region);
                for (const more of [
                    { ...canary, maxInstances: canary.maxInstances + 1 },
                    { ...canary, zones: [...canary.zones, "z"] },
                    { ...canary, targetMbps: canary.targetMbps + 1 },
                ]) {
                    expect(maximumUsdPerDay(more, region)).toBeGreaterThan(cost);
                }
            }),
        );
    });
});
