import { join } from "node:path";

import { countCases } from "../../tools/testing/checks";
import { choose, inOrder, kindNames, labsAtOnce, WrongChoice } from "../../tools/testing/choice";
import { Display } from "../../tools/testing/display";
import { countResults } from "../../tools/testing/kinds";
import { inLanes } from "../../tools/testing/lanes";

describe("what npm test runs", () => {
    const sets = ["listeners", "programme"];

    it("is everything when nothing is named", () => {
        expect(choose([], { sets, ownLab: undefined })).toEqual({ kinds: [...kindNames], sets });
    });

    it.each([
        [["unit"], { kinds: ["unit"], sets: [] }],
        [["machines", "checks"], { kinds: ["checks", "machines"], sets: [] }],
        [["drills"], { kinds: [], sets }],
        [["drills/programme", "unit"], { kinds: ["unit"], sets: ["programme"] }],
    ])("is what is named, in the usual order: %j", (names, expected) => {
        expect(choose(names, { sets, ownLab: undefined })).toEqual(expected);
    });

    it("is refused if it does not exist, with a list of what does", () => {
        expect(() => choose(["unit", "drills/nothing"], { sets, ownLab: undefined })).toThrow(
            new WrongChoice(
                "There are no tests named drills/nothing. There are: checks, unit, browser, engine, templates, machines, sources, " +
                    "drills, drills/listeners, drills/programme.",
            ),
        );
    });

    it("is one set of drills in a lab that is up already: it holds one station", () => {
        expect(choose(["drills/listeners"], { sets, ownLab: "/lab" }).sets).toEqual(["listeners"]);
        expect(() => choose(["drills"], { sets, ownLab: "/lab" })).toThrow(/Name one of drills\/listeners/);
        expect(() => choose([], { sets, ownLab: "/lab" })).toThrow(/AERIAL_LAB/);
    });
});

it.each([
    { processors: 1, memoryMiB: 64_000, labs: 1 },
    { processors: 2, memoryMiB: 8000, labs: 1 },
    { processors: 4, memoryMiB: 3900, labs: 1 },
    { processors: 16, memoryMiB: 16_000, labs: 6 },
    { processors: 4, memoryMiB: 16_000, labs: 2 },
    { processors: 4, memoryMiB: 1000, labs: 1 },
])("a lab for each processor, as far as memory goes: %j", ({ labs, ...host }) => {
    expect(labsAtOnce(host)).toBe(labs);
});

it("the longest come first, and a set of unknown length before them", () => {
    expect(inOrder(["airtime", "new", "listeners"])).toEqual(["new", "listeners", "airtime"]);
});

it("a lane takes the next task when it is free, and results keep the tasks' order", async () => {
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const tasks = ["a", "b", "c", "d"].map((name) => () => {
        begun.push(name);
        return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    });
    const results = inLanes(tasks, 2);
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(["a", "b"]);
    ends.get("b")?.();
    await turn();
    expect(begun).toEqual(["a", "b", "c"]);
    ends.get("c")?.();
    await turn();
    ends.get("d")?.();
    ends.get("a")?.();
    expect(await results).toEqual(["a", "b", "c", "d"]);
});

describe("the display", () => {
    it("shows one step's output as it comes", () => {
        const written: string[] = [];
        const display = new Display(["unit"], false, (text) => void written.push(text));
        const { say, end } = display.begin("unit", "unit");
        say("half a li");
        say("ne\n\n");
        end();
        display.close();
        expect(written.join("")).toBe("\n── unit ──\nhalf a line\n\n");
    });

    it("shows whole lines of several, each with its name", () => {
        const written: string[] = [];
        const display = new Display(["unit", "drills/air"], true, (text) => void written.push(text));
        const unit = display.begin("unit", "unit");
        const air = display.begin("drills/air", "drills/air lab up");
        unit.say("half a li");
        air.say("up\n");
        unit.say("ne\n\nlast");
        unit.end();
        air.end();
        display.close();
        expect(written.join("").split("\n")).toEqual([
            "unit       │ ── unit ──",
            "drills/air │ ── drills/air lab up ──",
            "drills/air │ up",
            "unit       │ half a line",
            "unit       │ last",
            "unit       │ ── unit ended after 0:00 ──",
            "drills/air │ ── drills/air lab up ended after 0:00 ──",
            "",
        ]);
    });
});

describe("the cases of pytest", () => {
    const report = (counts: string) =>
        `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" ${counts} time="0.1">`;

    it("are counted one by one", () => {
        expect(countCases(report('errors="0" failures="0" skipped="2" tests="9"'), 0)).toEqual({
            passed: 7,
            failed: 0,
        });
        expect(countCases(report('errors="1" failures="2" skipped="0" tests="9"'), 1)).toEqual({
            passed: 6,
            failed: 3,
        });
    });

    it("are a failure when pytest fails without a case, or leaves no report", () => {
        expect(countCases(report('errors="0" failures="0" skipped="0" tests="9"'), 3)).toEqual({
            passed: 9,
            failed: 1,
        });
        expect(countCases("", 1)).toEqual({ passed: 0, failed: 1 });
    });
});

describe("the tests of jest", () => {
    const results = (failed: number, status: "passed" | "failed") => ({
        numPassedTests: 2 - failed,
        numFailedTests: failed,
        numRuntimeErrorTestSuites: 0,
        testResults: [
            {
                name: join(__dirname, "one.test.ts"),
                message: failed === 0 ? "" : "all of the file's failures",
                assertionResults: [
                    { fullName: "a test that holds", status: "passed", failureMessages: [] },
                    { fullName: "a test that may not", status, failureMessages: ["Error: 1 is not 2"] },
                ],
            },
        ],
    });

    it("are counted, and what failed is told with its file and why", () => {
        expect(countResults(results(0, "passed"), 0)).toEqual({ passed: 2, failed: 0 });
        expect(countResults(results(1, "failed"), 1)).toEqual({
            passed: 1,
            failed: 1,
            failures: ["tests/unit/one.test.ts: a test that may not\nError: 1 is not 2"],
        });
    });

    it("are a failure when a file cannot be run, or jest fails without a test", () => {
        const broken = {
            numPassedTests: 0,
            numFailedTests: 0,
            numRuntimeErrorTestSuites: 1,
            testResults: [
                { name: join(__dirname, "one.test.ts"), message: "no such module", assertionResults: [] },
            ],
        };
        expect(countResults(broken, 1)).toEqual({
            passed: 0,
            failed: 1,
            failures: ["tests/unit/one.test.ts\nno such module"],
        });
        expect(countResults(results(0, "passed"), 1)).toEqual({ passed: 2, failed: 1 });
    });
});
