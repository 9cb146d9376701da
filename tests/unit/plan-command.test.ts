import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { stringify } from "yaml";

import { checkout } from "../../lab/paths";
import type { StationPlan } from "../../model/plan";
import { priceSources } from "../../model/prices";
import { readListeners } from "../../tools/plan/listeners";
import { runPlan, type PlanOptions } from "../../tools/plan/run";
import { stationConfig } from "../support/station";

const today = Object.values(priceSources)[0]!.read;
let folder = "";

beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aerial-plan-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function stationFile(name: string, station: unknown): string {
    const path = join(folder, name);
    writeFileSync(path, stringify({ config: { "aerial:station": station } }));
    return path;
}

describe("npm run plan", () => {
    it("prints prod as a table, and the same as JSON", () => {
        const { text, warnings, shortages } = runPlan({ stack: "prod" }, today);
        expect([...warnings, ...shortages]).toEqual([]);
        const plan = JSON.parse(runPlan({ stack: "prod", json: true }, today).text) as StationPlan & {
            levers: { what: string }[];
        };
        const sum = plan.monthlyUsd.toLocaleString("en-US", { minimumFractionDigits: 2 });
        expect(text).toMatch(new RegExp(`^Sum +\\$${sum.replace(".", "\\.")}$`, "m"));
        for (const { name } of plan.items) {
            expect(text).toContain(`\n${name} `);
        }
        expect(text).toContain(plan.levers[0]?.what);
    });

    it("plans for other listeners, and says what the accounts would refuse", () => {
        const { text, warnings } = runPlan({ stack: "prod", listeners: 100_000 }, today);
        expect(text).toMatch(/^ams3 +23 +23 /m);
        expect(warnings).toEqual(
            expect.arrayContaining([
                expect.stringContaining("the station has 73 droplets"),
                expect.stringContaining("the station needs 74 endpoints"),
            ]),
        );
    });

    it("warns of prices that are older than six months", () => {
        expect(runPlan({ stack: "preprod" }, "2099-01-01").warnings).toEqual(
            Object.keys(priceSources).map(
                (whose) => expect.stringContaining(`prices of ${whose} were read on`) as string,
            ),
        );
    });

    it("says why a station could not lose a region, with the plan", () => {
        const file = stationFile("one.yaml", stationConfig());
        const { text, shortages } = runPlan({ file, listeners: { nyc3: 3000 } }, today);
        expect(text).toContain("3,000 listeners at the peak");
        expect(shortages).toEqual(["all Relays are in nyc3: without it, 3,000 listeners have nowhere to go"]);
    });

    it("reports every mistake of the file, with its key and the remedy", () => {
        const file = stationFile("wrong.yaml", { ...stationConfig(), domain: "radio" });
        expect(() => runPlan({ file }, today)).toThrow(
            'aerial:station.domain is "radio": use a domain in lower case, such as radio.example',
        );
        writeFileSync(join(folder, "empty.yaml"), "");
        expect(() => runPlan({ file: join(folder, "empty.yaml") }, today)).toThrow(
            "aerial:station is nothing",
        );
    });

    it.each<[string, PlanOptions, string]>([
        ["no station", {}, "name one station: --stack prod, or --file docs/stations/small.yaml"],
        ["two stations", { stack: "prod", file: "x" }, "name one station"],
        ["a stack that is none", { stack: "nope" }, "Pulumi.nope.yaml"],
        ["a region without Relays", { stack: "prod", listeners: { tor1: 5 } }, "use ams3, nyc3, sgp1"],
    ])("fails for %s with what would be right", (_, options, message) => {
        expect(() => runPlan(options, today)).toThrow(message);
    });

    it.each([
        ["20000", 20_000],
        ["ams3=12,nyc3=0", { ams3: 12, nyc3: 0 }],
        ["many", undefined],
        ["-5", undefined],
        ["1.5", undefined],
        ["ams3=", undefined],
        ["ams3=1=2", undefined],
        ["ams3=1,", undefined],
        ["", undefined],
    ])("reads %j as listeners", (text, listeners) => {
        expect(readListeners(text)).toEqual(listeners);
    });

    it("is a command that fails for wrong arguments, and prints nothing but the plan to its output", () => {
        const command = (...args: string[]) =>
            spawnSync(join(checkout, "node_modules/.bin/tsx"), [join(checkout, "tools/plan.ts"), ...args], {
                encoding: "utf8",
            });
        const plan = command("--stack", "prod", "--listeners", "100000", "--json");
        expect(JSON.parse(plan.stdout)).toMatchObject({ droplets: 73 });
        expect(plan.stderr).toContain("plan: the station has 73 droplets");
        expect(plan.status).toBe(0);
        const wrong = command("--stack", "prod", "--listeners", "many");
        expect(wrong.stderr).toContain("Give a number, such as 20000");
        expect(wrong.status).toBe(1);
    }, 60_000);
});
