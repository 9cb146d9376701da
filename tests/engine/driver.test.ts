import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { stringify } from "yaml";

import { recordStack } from "../../lab/engine/run";
import { filesBelow, labFolder, nameOf, removeLabFolders } from "./support";

afterAll(removeLabFolders);

const program = (name: string): string => join(__dirname, "programs", name);

describe("the engine driver", () => {
    test("repeats what was interrupted anywhere: dead locks, pending operations, machines nobody knows", async () => {
        const folder = labFolder();
        const stack = recordStack("lab", folder, { program: program("small") });
        expect(await stack.up()).toMatchObject({ ok: true, errors: [] });

        // As `kill -9` leaves it: a lock, operations under way, and a droplet that no state knows.
        const locks = join(folder, "state/.pulumi/locks/organization/aerial/lab");
        mkdirSync(locks, { recursive: true });
        const dead = spawnSync("true").pid;
        writeFileSync(
            join(locks, "left.json"),
            JSON.stringify({ pid: dead, username: "root", hostname: hostname(), timestamp: new Date() }),
        );
        writeFileSync(join(folder, "state/.pulumi/stacks/aerial/lab.json.attrs"), "");
        const stateFile = join(folder, "state/.pulumi/stacks/aerial/lab.json");
        const state = JSON.parse(readFileSync(stateFile, "utf8"));
        const { latest } = state.checkpoint;
        const left = latest.resources.filter((resource: { urn: string }) => nameOf(resource) === "web");
        latest.resources = latest.resources.filter(
            (resource: { urn: string }) => !["web", "deliver", "address"].includes(nameOf(resource)),
        );
        latest.pending_operations = [{ resource: left[0], type: "creating" }];
        writeFileSync(stateFile, JSON.stringify(state));

        const again = await stack.up();
        expect(again.errors).toEqual([]);
        expect(again.steps.map(nameOf).sort()).toEqual(["address", "address", "deliver", "web"]);
        expect(filesBelow(join(folder, "cloud/droplet"))).toHaveLength(1);
        expect(filesBelow(join(folder, "cloud/reserved-ip"))).toHaveLength(1);
        expect(await stack.up()).toMatchObject({ ok: true, steps: [] });
    });

    test("reports every refusal of the cloud with its reason, and goes on with the rest", async () => {
        const stack = recordStack("lab", labFolder(), { program: program("refused") });
        const result = await stack.up();
        expect(result.ok).toBe(false);
        const text = result.errors.join("\n");
        expect(text).toMatch(
            /Error creating droplet: POST \S+v2\/droplets: 422 .* invalid region for Droplet/,
        );
        expect(text).toContain("You specified an invalid size for Droplet creation.");
        expect(text).toContain("maximum is 64 KiB");
        const made = ((await stack.deployment()).resources ?? []).filter(({ type }) =>
            type.startsWith("dig"),
        );
        expect(made.map(nameOf)).toEqual(expect.not.arrayContaining(["nowhere", "huge", "talkative"]));
    });

    test("refuses a property that the lab does not know", async () => {
        const stack = recordStack("lab", labFolder(), { program: program("unknownProperty") });
        const result = await stack.up();
        expect(result.ok).toBe(false);
        expect(result.errors.join("\n")).toMatch(/teleport/);
    });

    test("ten mistakes in the settings give ten messages, and nothing is created", async () => {
        const folder = labFolder();
        const stackFile = join(folder, "mistakes.yaml");
        writeFileSync(stackFile, stringify({ config: { "aerial:station": tenMistakes } }));
        const stack = recordStack("lab", folder, { stackFile });
        const result = await stack.up();
        expect(result.ok).toBe(false);
        const text = result.errors.join("\n");
        for (const key of mistakenKeys) {
            expect(text).toContain(`aerial:station.${key} `);
        }
        expect(text.match(/^ *- aerial:station/gm)).toHaveLength(10);
        expect(text).not.toContain("node_modules");
        expect(result.steps).toEqual([]);
        const made = ((await stack.deployment()).resources ?? []).filter(
            ({ type }) => !type.startsWith("pulumi:"),
        );
        expect(made).toEqual([]);
        expect(() => filesBelow(join(folder, "cloud"))).toThrow(/ENOENT/);
    });
});

const tenMistakes = {
    name: "",
    domain: "not a domain",
    channels: [{ id: "Main Channel", title: "Main" }],
    sources: [{ name: "studio!", title: "Studio" }],
    silence: { detect: "perhaps", afterSeconds: 0 },
    masters: [
        { id: "a", region: "atlantis1" },
        { id: "b", region: "ams3", size: "huge" },
    ],
    relays: [{ region: "ams3", count: 0 }],
    dns: { accountId: "0".repeat(32), zoneId: "1".repeat(32) },
    backup: "none",
    tls: { acme: { email: "tech@radio.test" } },
    ssh: { allowedFrom: ["anywhere"] },
};

const mistakenKeys = [
    "name",
    "domain",
    "channels[0].id",
    "sources[0].name",
    "silence.detect",
    "silence.afterSeconds",
    "masters[0].region",
    "masters[1].size",
    "relays[0].count",
    "ssh.allowedFrom[0]",
];
