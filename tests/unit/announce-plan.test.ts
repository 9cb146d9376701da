import type * as pulumiModule from "@pulumi/pulumi";

import type { announcePlan as announcePlanType } from "../../components/announcePlan";
import { planStation, type StationPlan } from "../../model/plan";
import { priceSources } from "../../model/prices";
import { plannedStation } from "../support/plannedStation";

const today = Object.values(priceSources)[0]!.read;
const plan = planStation(plannedStation());

/** What is said of a plan: `info: …`, `warn: …`. */
async function said(
    given: StationPlan,
    { preview = true, outputs, day = today }: { preview?: boolean; outputs?: object; day?: string },
): Promise<string[]> {
    const lines: string[] = [];
    // A copy of the SDK for each run: its mocks are one per process.
    await jest.isolateModulesAsync(async () => {
        /* eslint-disable @typescript-eslint/no-require-imports */
        const pulumi = require("@pulumi/pulumi") as typeof pulumiModule;
        const { announcePlan } = require("../../components/announcePlan") as {
            announcePlan: typeof announcePlanType;
        };
        /* eslint-enable @typescript-eslint/no-require-imports */
        await pulumi.runtime.setMocks(
            {
                newResource: ({ name }) => ({ id: name, state: {} }),
                call: ({ token, inputs }) => {
                    expect(token).toBe("pulumi:pulumi:readStackOutputs");
                    expect(inputs).toEqual({ name: "organization/aerial/test" });
                    if (!outputs) {
                        throw new Error("no such stack");
                    }
                    return { outputs };
                },
            },
            "aerial",
            "test",
            preview,
            "organization",
        );
        for (const severity of ["info", "warn"] as const) {
            jest.spyOn(pulumi.log, severity).mockImplementation((...[line]) => {
                lines.push(`${severity}: ${line}`);
                return Promise.resolve();
            });
        }
        await announcePlan(given, day);
    });
    return lines;
}

describe("a preview", () => {
    it("says what the plan costs, and what of it changes against the output of the last up", async () => {
        const previous = planStation(plannedStation({ dns: { service: "route53" } }));
        // As the engine gives it back.
        const outputs = JSON.parse(JSON.stringify({ plan: previous, station: { name: "Test" } })) as object;
        expect(await said(plan, { outputs })).toEqual([
            expect.stringMatching(/^info: Plan: \$[\d.]+ a month for 1,500 listeners at the peak/),
            expect.stringMatching(/^info: Plan: \$[\d.]+ for 1,000 listener-hours; one big server/),
            "info: Plan: Relays: ams3 2, nyc3 2; without ams3, the others carry 4,400 listeners",
            expect.stringMatching(/^info: Plan: \+\$[\d.]+ a month against what runs: Names \+\$[\d.]+$/),
        ]);
        expect((await said(plan, { outputs: { plan } })).at(-1)).toBe("info: Plan: costs as what runs");
    });

    it("says nothing of a difference before the first up, and that it does not know where it cannot ask", async () => {
        expect(await said(plan, { outputs: {} })).toHaveLength(3);
        expect((await said(plan, {})).at(-1)).toContain("info: Plan: what it changes is not known: ");
    });

    it("warns of what the plan warns of, and of old prices", async () => {
        const accepted = planStation(plannedStation({ acceptLossOf: ["nyc3"] }));
        const lines = await said(accepted, { outputs: {}, day: "2099-01-01" });
        expect(lines.filter((line) => line.startsWith("warn: "))).toEqual([
            "warn: Plan: expected.acceptLossOf names nyc3, but the other regions carry its loss",
            ...Object.keys(priceSources).map(
                (whose) => expect.stringContaining(`prices of ${whose} were read on`) as string,
            ),
        ]);
    });
});

it("an up says nothing of the plan", async () => {
    expect(await said(plan, { preview: false, outputs: {} })).toEqual([]);
});
