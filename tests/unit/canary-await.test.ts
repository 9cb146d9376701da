import { spawn } from "node:child_process";
import { join } from "node:path";

import { FakeAutoScaling, type GroupState } from "../support/fakeAutoScaling";

const checkout = join(__dirname, "..", "..");
const began = "2026-11-22T20:00:00Z";
const later = "2026-11-22T20:05:00Z";

const old = { id: "i-old", state: "InService", health: "Healthy", version: 1 };
const starting = { id: "i-new", state: "Pending:Wait", health: "Healthy", version: 2 };
const serving = { ...starting, state: "InService" };
const refreshing = { status: "InProgress", startTime: began };
const words = (version: number): GroupState["report"] => ({
    value: `${later} i-new: check: the audio of /main.mp3 stands still`,
    ...{ version, modified: later },
});

async function wait(
    states: GroupState[],
    change: Record<string, string> = {},
    refuseUpdates = false,
): Promise<{ code: number | null; out: string; err: string; asked: string[] }> {
    const fake = new FakeAutoScaling(states, refuseUpdates);
    const endpoint = await fake.start();
    const child = spawn(process.execPath, ["components/canary/await-refresh.mjs"], {
        cwd: checkout,
        env: {
            PATH: process.env.PATH,
            NODE_NO_WARNINGS: "1",
            AWS_ENDPOINT_URL: endpoint,
            AWS_ACCESS_KEY_ID: "test",
            AWS_SECRET_ACCESS_KEY: "test",
            AERIAL_REGION: "eu-central-1",
            AERIAL_GROUP: "g",
            AERIAL_REPORT: "/r",
            AERIAL_TEMPLATE_VERSION: "2",
            AERIAL_WAIT_SECONDS: "20",
            AERIAL_POLL_SECONDS: "0.02",
            ...change,
        },
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    await fake.stop();
    return { code, out, err, asked: fake.asked };
}

jest.setTimeout(30_000);

describe("waiting for the canary", () => {
    it("ends when an instance of the new template is in service, even while old ones still stop", async () => {
        const { code, out, err } = await wait([
            { machines: [old], refresh: refreshing },
            { machines: [old, starting], refresh: refreshing },
            { machines: [old, serving], refresh: refreshing },
        ]);
        expect(err).toBe("");
        expect(out.trim().split("\n")).toEqual([
            "template 2: no machine yet; 1 of other templates; refresh InProgress 0 %",
            "template 2: i-new Pending:Wait; 1 of other templates; refresh InProgress 0 %",
            "template 2: i-new InService; 1 of other templates; refresh InProgress 0 %",
            "i-new is in service and healthy",
        ]);
        expect(code).toBe(0);
    });

    it("needs no refresh for the first instance of a group", async () => {
        const { code } = await wait([{ machines: [] }, { machines: [starting] }, { machines: [serving] }]);
        expect(code).toBe(0);
    });

    it("does not accept an instance that is healthy only for a moment", async () => {
        const sick = { ...serving, health: "Unhealthy" };
        const { code, err } = await wait(
            [
                { machines: [serving], refresh: refreshing },
                { machines: [serving], refresh: refreshing },
                { machines: [sick], refresh: { ...refreshing, status: "Failed", reason: "unhealthy" } },
            ],
            {},
        );
        expect(code).toBe(1);
        expect(err).toContain("the refresh is Failed");
    });

    it("fails with the reasons of the refresh and of the instance", async () => {
        const { code, err, asked } = await wait([
            { machines: [old, starting], refresh: refreshing },
            {
                machines: [old],
                refresh: { ...refreshing, status: "Failed", reason: "an instance failed to launch" },
                activities: [
                    { status: "Failed", message: "abandoned by its hook", startTime: later },
                    { status: "Failed", message: "of long ago", startTime: "2026-01-01T00:00:00Z" },
                ],
                report: words(4),
            },
        ]);
        expect(code).toBe(1);
        expect(err.trim().split("\n")).toEqual([
            "the canary of g is not on air with launch template version 2: the refresh is Failed",
            "refresh: an instance failed to launch",
            `the machine's own words: ${later} i-new: check: the audio of /main.mp3 stands still`,
            "group: abandoned by its hook",
            "what was in service before still is; correct the template and run pulumi up again",
        ]);
        expect(asked).toEqual(["UpdateAutoScalingGroup 1"]);
    });

    it("gives the reason even if it cannot set the group back to the old template", async () => {
        const failed = { ...refreshing, status: "Failed", reason: "no capacity" };
        const { code, out, err } = await wait([{ machines: [old], refresh: failed }], {}, true);
        expect(code).toBe(1);
        expect(err).toContain("refresh: no capacity");
        expect(out).toContain("not done: the group starts machines of launch template version 1 again");
    });

    it("sets nothing back if the first instance of a group is not healthy", async () => {
        const { code, err, asked } = await wait([
            { machines: [starting], report: words(2) },
            { machines: [starting], report: words(3) },
        ]);
        expect(code).toBe(1);
        expect(err).toContain("2 machines did not get well");
        expect(asked).toEqual([]);
    });

    it("goes on after one instance fails, and gives up after two", async () => {
        const lucky = await wait([
            { machines: [old], refresh: refreshing, report: words(2) },
            { machines: [old, serving], refresh: refreshing, report: words(2) },
        ]);
        expect(lucky.code).toBe(0);
        const broken = await wait([
            { machines: [old], refresh: refreshing, report: words(2) },
            { machines: [old, starting], refresh: refreshing, report: words(2) },
            { machines: [old], refresh: refreshing, report: words(3) },
        ]);
        expect(broken.code).toBe(1);
        expect(broken.err).toContain("2 machines did not get well");
        // Else the group would go on trying for an hour.
        expect(broken.asked).toEqual(["CancelInstanceRefresh", "UpdateAutoScalingGroup 1"]);
        expect(broken.out).toContain("the group starts machines of launch template version 1 again");
    });

    it("ignores the report of an earlier rollout", async () => {
        const { code, err } = await wait([
            {
                machines: [old],
                refresh: { status: "Cancelled", startTime: "2026-11-23T00:00:00Z" },
                report: words(9),
            },
        ]);
        expect(code).toBe(1);
        expect(err).toContain("the machine's own words: none");
    });

    it("fails when the time is over", async () => {
        const { code, err } = await wait([{ machines: [starting], refresh: refreshing }], {
            AERIAL_WAIT_SECONDS: "0.3",
        });
        expect(code).toBe(1);
        expect(err).toContain("it took longer than 0.3 s");
    });

    it("names at once the settings that are missing", async () => {
        const { code, err } = await wait([{ machines: [] }], { AERIAL_GROUP: "" });
        expect(code).toBe(2);
        expect(err).toContain("are needed");
    });

    it("fails with the reason if Amazon does not answer", async () => {
        const { code, err } = await wait([{ machines: [] }], {
            AWS_ENDPOINT_URL: "http://127.0.0.1:9",
            AERIAL_POLL_SECONDS: "0.01",
        });
        expect(code).toBe(1);
        expect(err).toMatch(/^cannot see how g does: .*ECONNREFUSED/);
    });
});
