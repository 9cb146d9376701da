import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { recordStack, type RecordedStack } from "../../lab/engine/run";
import { stationConfig } from "../support/station";
import { labFolder, nameOf, ofKind, removeLabFolders } from "./support";

afterAll(removeLabFolders);

/** A time of day, as many hours from now, of UTC: the station has no time zone of its own. */
function inHours(hours: number): string {
    return new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
}

describe("a change of sizes at a station with a quiet hour", () => {
    const folder = labFolder();
    const later = inHours(12);
    const waiting = ["relay-nyc3-1", "relay-nyc3-2"].map(
        (relay) => `${relay}: size s-2vcpu-2gb waits for ${later} UTC`,
    );

    /** The station with another limit, a larger size and one more Relay, in or out of its quiet hour. */
    function station(change: object, environment: Record<string, string> = {}): RecordedStack {
        const stackFile = join(labFolder(), "station.yaml");
        writeFileSync(
            stackFile,
            stringify({ config: { "aerial:station": { ...stationConfig(), ...change } } }),
        );
        return recordStack("lab", folder, { stackFile, environment });
    }

    const larger = (quietHour: string, environment?: Record<string, string>): RecordedStack =>
        station(
            {
                relays: [{ region: "nyc3", count: 3, size: "s-2vcpu-2gb" }],
                edge: { connectionsPerAddress: 17 },
                rollout: { quietHour },
            },
            environment,
        );

    async function sizes(stack: RecordedStack): Promise<Record<string, unknown>> {
        const droplets = ofKind(await stack.deployment(), "Droplet").filter(
            (droplet) => !droplet.delete && nameOf(droplet).startsWith("relay-"),
        );
        return Object.fromEntries(droplets.map((droplet) => [nameOf(droplet), droplet.inputs?.size]));
    }

    beforeAll(async () => {
        expect(await station({}).up()).toMatchObject({ ok: true, errors: [] });
    });

    test("waits outside of the hour, while all else goes on, and is told by name", async () => {
        const stack = larger(later);
        const { told } = await stack.preview();
        expect(told.filter((line) => line.startsWith("relay-")).sort()).toEqual([
            ...["relay-nyc3-1", "relay-nyc3-2"].map(
                (relay) =>
                    `${relay}: in place: reloads aerial-nginx; size s-2vcpu-2gb waits for ${later} UTC`,
            ),
            "relay-nyc3-3: new",
        ]);
        expect(told.at(-1)).toMatch(new RegExp(`; 2 of them to be replaced at ${later} UTC$`));

        const result = await stack.up();
        expect(result).toMatchObject({ ok: true, errors: [] });
        expect(result.told).toEqual(expect.arrayContaining(waiting));
        const droplets = result.steps.filter(({ type }) => type.endsWith(":Droplet"));
        expect(droplets.map((step) => `${step.op} ${nameOf(step)}`)).toEqual(["create relay-nyc3-3"]);
        const updated = result.steps.filter(({ op }) => op === "update").map(nameOf);
        expect(updated).toEqual(expect.arrayContaining(["relay-nyc3-1-delivery", "relay-nyc3-2-delivery"]));
        expect(await sizes(stack)).toEqual({
            ...{ "relay-nyc3-1": "s-1vcpu-1gb", "relay-nyc3-2": "s-1vcpu-1gb" },
            "relay-nyc3-3": "s-2vcpu-2gb",
        });

        const again = await stack.up();
        expect(again).toMatchObject({ ok: true, steps: [] });
        expect(again.told).toEqual(expect.arrayContaining(waiting));
    });

    test("does not wait where a machine is replaced anyway, as by hand", async () => {
        const stack = larger(later);
        const { ok, steps } = await stack.up({ replace: ["relay-nyc3-1"] });
        expect(ok).toBe(true);
        expect(steps.map((step) => `${step.op} ${nameOf(step)}`)).toContain(
            "create-replacement relay-nyc3-1",
        );
        expect(await sizes(stack)).toMatchObject({
            ...{ "relay-nyc3-1": "s-2vcpu-2gb", "relay-nyc3-2": "s-1vcpu-1gb" },
        });
    });

    test("is carried out in the hour, as for an up that is told not to wait", async () => {
        const replaced = "replaced by a new machine: its size s-1vcpu-1gb becomes s-2vcpu-2gb";
        const { told } = await larger(later, { AERIAL_QUIET_HOUR: "no" }).preview();
        expect(told).toContainEqual(expect.stringContaining(`relay-nyc3-2: ${replaced}`));

        const stack = larger(inHours(0));
        const result = await stack.up();
        expect(result).toMatchObject({ ok: true, errors: [] });
        const made = result.steps.filter(
            ({ op, type }) => op === "create-replacement" && type.endsWith(":Droplet"),
        );
        expect(made.map(nameOf)).toEqual(["relay-nyc3-2"]);
        expect(Object.values(await sizes(stack))).toEqual(Array(3).fill("s-2vcpu-2gb"));
        expect(await stack.up()).toMatchObject({ ok: true, steps: [] });
    });
});
