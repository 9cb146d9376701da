import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { parse, stringify } from "yaml";

import type { OperationResult } from "../../lab/engine/operate";
import { recordStack, type Deployment } from "../../lab/engine/run";
import { run } from "../../lab/workstation/run";
import { checkout } from "../../lab/paths";
import { compareWithGolden } from "./golden";
import {
    filesBelow,
    found,
    generatedSecrets,
    labFolder,
    nameOf,
    ofKind,
    readAll,
    removeLabFolders,
    reveal,
} from "./support";

/**
 * One state at the end instead of one after each of 220 resources: half of the time. The state that an interruption
 * leaves is the driver's test.
 */
const environment = { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "1" };

/** What is promised of a stack, by the real engine. Each stack has a test file of its own, so that they run side by side. */
export function describeStack(name: "prod" | "preprod"): void {
    afterAll(removeLabFolders);

    const folder = labFolder();
    const stack = recordStack(name, folder, { environment });
    let deployment: Deployment;
    /** Beside the lab's folder, which has to be free of secrets. */
    const planFile = join(labFolder(), "plan.json");

    test("is built", async () => {
        expect(await stack.preview({ planFile })).toMatchObject({ ok: true, errors: [] });
        const result = await stack.up();
        expect(result.errors).toEqual([]);
        expect(result.ok).toBe(true);
        deployment = await stack.deployment();
        expect(ofKind(deployment, "Droplet").length).toBeGreaterThan(3);
    });

    test("has exactly the committed resources (after an intended change: UPDATE_GOLDEN=1)", () => {
        const { committed, present } = compareWithGolden(name, deployment, planFile);
        expect(present).toEqual(committed);
    });

    test("deletes nothing first that serves listeners, whatever replaces it", () => {
        const { present } = compareWithGolden(name, deployment, planFile);
        const custom = present.filter(({ type }) => !type.startsWith("aerial:"));
        expect(custom.filter(({ replacement }) => replacement === undefined)).toEqual([]);
        // The playout shares its disk with its successor; what is set on a bucket serves nobody.
        expect(
            custom
                .filter(({ replacement }) => replacement === "delete first")
                .map((resource) => `${resource.type} ${resource.name}`)
                .filter((resource) => !/^aws:s3\/bucket[A-Z]/.test(resource)),
        ).toEqual(["digitalocean:index/droplet:Droplet airtime"]);
    });

    test("a preview says what a change does to each machine", async () => {
        const stackFile = changed(name, folder, (settings) => {
            settings.edge = { connectionsPerAddress: 17 };
            settings.masters.forEach((master) => (master.size = "s-8vcpu-16gb"));
        });
        const { ok, told } = await recordStack(name, folder, { environment, stackFile }).preview();
        expect(ok).toBe(true);
        const droplets = ofKind(deployment, "Droplet").map(nameOf);
        const relays = droplets.filter((droplet) => droplet.startsWith("relay-"));
        const masters = droplets.filter((droplet) => droplet.startsWith("master-"));
        const others = droplets.length - relays.length - masters.length;
        // Larger droplets have more transfer, which an alert compares with.
        const watching = droplets.includes("monitoring") ? 1 : 0;
        expect(
            told
                .filter((line) => /^(relay|master|airtime)/.test(line))
                .map((line) => line.replace(/its size \S+ /, "its size "))
                .sort(),
        ).toEqual([
            ...masters
                .sort()
                .map((master) => `${master}: replaced by a new machine: its size becomes s-8vcpu-16gb`),
            ...relays.sort().map((relay) => `${relay}: in place: reloads aerial-nginx`),
        ]);
        expect(told.at(-1)).toBe(
            `machines: ${relays.length + watching} changed in place, ${masters.length} replaced, ` +
                `${others - watching} as they are`,
        );
    });

    test("no password or key stands in clear in state, records or logs", () => {
        const secrets = generatedSecrets(deployment).filter((secret) => !isEnrolmentKey(secret.name));
        expect(secrets.length).toBeGreaterThan(10);
        const files = ["state", "cloud", "pulumi", "project"].flatMap((part) =>
            filesBelow(join(folder, part)),
        );
        expect(found(secrets, readAll(files))).toEqual([]);
    });

    test("no password or lasting key stands in user data", () => {
        const secrets = generatedSecrets(deployment).filter((secret) => !isEnrolmentKey(secret.name));
        const droplets = ofKind(deployment, "Droplet");
        for (const droplet of droplets) {
            const userData = String(reveal(droplet.inputs?.userData));
            expect({ droplet: nameOf(droplet), found: found(secrets, userData) }).toEqual({
                droplet: nameOf(droplet),
                found: [],
            });
            expect(Buffer.byteLength(userData)).toBeLessThan(64 * 1024);
        }
    });

    test("no password or key stands in what an instance reads before its secrets", () => {
        const secrets = generatedSecrets(deployment);
        const userData = ofKind(deployment, "LaunchTemplate").map(({ inputs }) =>
            Buffer.from(String(reveal(inputs?.userData)), "base64").toString("utf8"),
        );
        const [delivery] = ofKind(deployment, "BucketObjectv2");
        const packed = String(delivery?.inputs?.content);
        const files = gunzipSync(Buffer.from(packed, "base64")).toString("utf8");
        expect(files).toContain("/usr/local/sbin/aerial-secrets-sync");
        expect(userData.join()).toMatch(/^#cloud-config/);
        expect(found(secrets, [files, ...userData].join("\n"))).toEqual([]);
    });

    test("the state holds a hash of user data, as the real provider keeps it", () => {
        for (const droplet of ofKind(deployment, "Droplet")) {
            expect(reveal(droplet.outputs?.userData)).toMatch(/^[0-9a-f]{40}$/);
        }
    });

    // What does not depend on the stack is shown once, by production's.
    if (name === "prod") {
        test("a second up changes nothing, also after a refresh", async () => {
            expect(await stack.up({ refresh: true })).toMatchObject({ ok: true, steps: [], errors: [] });
            const [address] = ofKind(await stack.deployment(), "Droplet")
                .filter((droplet) => nameOf(droplet) === "master-a")
                .map(({ outputs }) => outputs?.ipv4Address);
            const reserved = ofKind(deployment, "ReservedIp").find((one) => nameOf(one) === "ingest-a");
            expect(address).toBe(reserved?.outputs?.ipAddress);
        });

        test("a change of what machines are is made in place, one Master after the other", async () => {
            const changed = recordStack(name, folder, {
                environment,
                stackFile: withLongerSilence(name, folder),
            });
            const result = await changed.up();
            expect(result.errors).toEqual([]);
            expect(result.steps.map((step) => `${step.op} ${nameOf(step)}`)).toEqual([
                // The preferred one comes last.
                "update master-b-delivery",
                "update master-a-delivery",
                // The alert of silence goes by it.
                "update monitoring-delivery",
            ]);
            // Each was reached at its own address, though a refresh has taken the reserved one for it.
            const after = await changed.deployment();
            const reserved = ofKind(after, "ReservedIp").map(({ outputs }) => outputs?.ipAddress);
            for (const step of result.steps) {
                const delivery = (after.resources ?? []).find((one) => nameOf(one) === nameOf(step));
                const { host } = reveal(delivery?.inputs?.connection) as { host: string };
                expect(reserved).not.toContain(host);
            }
        });

        test("a changed size makes new machines: in place, all would be switched off at the same time", async () => {
            const larger = recordStack(name, folder, {
                environment,
                stackFile: withLargerSizes(name, folder),
            });
            const { ok, steps } = await larger.up();
            expect(ok).toBe(true);
            const at = (op: string, resource: string): number =>
                steps.findIndex((step) => step.op === op && nameOf(step) === resource);
            // Each is well before its old one goes, and the station never loses both Masters.
            for (const machine of ["master-a", "master-b", "relay-ams3-1"]) {
                const well = at("create-replacement", `${machine}-delivery`);
                expect(at("create-replacement", machine)).toBeLessThan(well);
                expect(well).toBeLessThan(at("delete-replaced", machine));
            }
            expect(at("create-replacement", "master-b-delivery")).toBeLessThan(
                at("create-replacement", "master-a"),
            );
            const relays = ofKind(await larger.deployment(), "Droplet")
                .map(nameOf)
                .filter((machine) => machine.startsWith("relay-"));
            const [first = "", ...others] = relays.sort(
                (one, other) => at("create-replacement", one) - at("create-replacement", other),
            );
            for (const machine of others) {
                expect(at("create-replacement", `${first}-delivery`)).toBeLessThan(
                    at("create-replacement", machine),
                );
            }
            // Old Relays end when names have the new ones, each by its own resource.
            const named = steps.findLastIndex((step) => step.type.endsWith(":LoadBalancerPool"));
            for (const machine of relays) {
                expect(named).toBeLessThan(at("delete-replaced", `${machine}-end`));
                expect(at("delete-replaced", `${machine}-end`)).toBeLessThan(at("delete-replaced", machine));
            }
            const droplets = steps.filter(({ type }) => type.endsWith(":Droplet"));
            const made = droplets.filter(({ op }) => op === "create-replacement").map(nameOf);
            expect(made).toEqual(expect.arrayContaining(["airtime", "master-a", "master-b", "relay-ams3-1"]));
            expect(droplets.filter(({ op }) => op === "update")).toEqual([]);
        });

        test("another region for the playout is refused: its volume would be another one, without the shows", async () => {
            const moved = recordStack(name, folder, {
                environment,
                stackFile: withMovedAirtime(name, folder),
            });
            const result = await moved.up();
            expect(result.ok).toBe(false);
            expect(result.errors.join()).toMatch(/airtime-volume[\s\S]*marked for protection/);
            expect(ofKind(await stack.deployment(), "Volume").map(({ inputs }) => inputs?.region)).toEqual([
                "fra1",
            ]);
        });

        test("destroy is refused while the backup is protected, and leaves all of it", async () => {
            const result = await stack.destroy();
            expect(result.ok).toBe(false);
            expect(result.errors.join()).toMatch(
                /(backup-shows|airtime-volume).* cannot be deleted\s+because it is protected/,
            );
            const ofBackup = (state: typeof deployment) =>
                ofKind(state, "Bucket")
                    .map(nameOf)
                    .filter((bucket) => bucket.startsWith("backup-"))
                    .sort();
            expect(ofBackup(await stack.deployment())).toEqual(ofBackup(deployment));
        });
    }

    if (name === "preprod") {
        test("a machine lost outside Pulumi: up alone sees nothing, up with a refresh makes it anew", async () => {
            await lose(folder, "master-a");
            expect(await stack.up()).toMatchObject({ ok: true, steps: [], errors: [] });
            const result = await stack.up({ refresh: true });
            expect(result).toMatchObject({ ok: true, errors: [] });
            expect(madeDroplets(result)).toEqual(["master-a"]);
        });

        test("a machine lost outside Pulumi: a change replaces it, but cannot remove it without a refresh", async () => {
            await lose(folder, "master-b");
            const changed = recordStack(name, folder, {
                environment,
                stackFile: withLargerMasters(name, folder),
            });
            const result = await changed.up();
            expect(madeDroplets(result)).toEqual(["master-a", "master-b"]);
            expect(result.ok).toBe(false);
            expect(result.errors.join("\n")).toMatch(
                /waiting for droplet to be unlocked for destroy \(\d+\).* 404/,
            );
            expect(await changed.up({ refresh: true })).toMatchObject({ ok: true, errors: [] });
            expect(await changed.up()).toMatchObject({ ok: true, steps: [], errors: [] });
        });

        test("a machine that is replaced by hand: the new one is well before the old one goes", async () => {
            const { ok, steps } = await stack.up({ replace: ["relay-ams3-1"] });
            expect(ok).toBe(true);
            const order = steps
                .filter(
                    (step) => step.op !== "replace" && /^relay-ams3-1(-delivery|-end)?$/.test(nameOf(step)),
                )
                .map((step) => `${step.op} ${nameOf(step)}`);
            expect(order.slice(0, 3)).toEqual([
                "create-replacement relay-ams3-1",
                "create-replacement relay-ams3-1-end",
                "create-replacement relay-ams3-1-delivery",
            ]);
            expect(order.slice(3, 5).sort()).toEqual([
                "delete-replaced relay-ams3-1-delivery",
                "delete-replaced relay-ams3-1-end",
            ]);
            expect(order.slice(5)).toEqual(["delete-replaced relay-ams3-1"]);
        });

        test("a Relay lost outside Pulumi needs no refresh to be replaced: its end finds nothing to do", async () => {
            await lose(folder, "relay-ams3-1");
            expect(await stack.up({ replace: ["relay-ams3-1"] })).toMatchObject({ ok: true, errors: [] });
            expect(await stack.up()).toMatchObject({ ok: true, steps: [], errors: [] });
        });

        test("a machine lost outside Pulumi: destroy fails as at DigitalOcean; with a refresh it goes on", async () => {
            await lose(folder, "master-a");
            const result = await stack.destroy();
            expect(result.ok).toBe(false);
            expect(result.errors.join("\n")).toMatch(/invalid memory address or nil pointer dereference/);
            expect(ofKind(await stack.deployment(), "ReservedIpAssignment").map(nameOf)).toContain(
                "master-a-address",
            );
        });
    }

    test("destroy leaves nothing, once nothing is protected", async () => {
        if (isProtected(name)) {
            const unprotected = recordStack(name, folder, {
                environment,
                stackFile: withoutProtection(name, folder),
            });
            expect((await unprotected.up()).errors).toEqual([]);
        }
        const result = await stack.destroy({ refresh: name === "preprod" });
        expect(result.errors).toEqual([]);
        expect((await stack.deployment()).resources ?? []).toEqual([]);
        const left = filesBelow(join(folder, "cloud")).filter((file) => file.endsWith(".json"));
        expect(left).toEqual([]);
    });
}

/** Deletes a droplet of the stack, as somebody does on the provider's web page. */
async function lose(folder: string, droplet: string): Promise<void> {
    const script = join(__dirname, "programs", "lose.ts");
    await run([process.execPath, "--import", require.resolve("tsx"), script, droplet], {
        env: { ...process.env, AERIAL_LAB: folder, AERIAL_LAB_MODE: "record" },
    });
}

/** Droplets that an operation has made, new ones and replacements. */
function madeDroplets({ steps }: OperationResult): string[] {
    const made = steps.filter(({ op, type }) => op.startsWith("create") && type.endsWith(":Droplet"));
    return made.map(nameOf).sort();
}

/** The key of a first contact is in user data on purpose: it is worth nothing once the machine has its own. */
function isEnrolmentKey(name: string): boolean {
    return name.endsWith("-enrol-key");
}

/** Settings that differ from the stack's in what only a Master is told. */
function withLongerSilence(name: string, folder: string): string {
    return changed(name, folder, (station) => {
        station.silence = { detect: true, afterSeconds: 33 };
    });
}

/** Another size of both Masters, and nothing else. */
function withLargerMasters(name: string, folder: string): string {
    return changed(name, folder, ({ masters }) => {
        masters.forEach((master) => (master.size = "s-4vcpu-8gb"));
    });
}

/** Sizes that carry as many listeners as before, so that nothing else changes. */
function withLargerSizes(name: string, folder: string): string {
    return changed(name, folder, (station) => {
        station.masters.forEach((master) => (master.size = "s-4vcpu-8gb"));
        station.relays.forEach((relay) => (relay.size = "s-1vcpu-2gb"));
        station.airtime.size = "s-2vcpu-4gb";
    });
}

function withMovedAirtime(name: string, folder: string): string {
    return changed(name, folder, ({ airtime }) => {
        airtime.region = "ams3";
    });
}

/** The first step of whoever wants to give up everything. */
function withoutProtection(name: string, folder: string): string {
    return changed(name, folder, ({ backup, recordings }) => {
        for (const kept of [backup, recordings]) {
            if (kept) {
                kept.protect = false;
            }
        }
    });
}

function isProtected(name: string): boolean {
    return settingsOf(name).config["aerial:station"].backup.protect !== false;
}

interface Settings {
    config: {
        "aerial:station": Record<string, unknown> & {
            masters: { size?: string }[];
            relays: { size?: string }[];
            airtime: { size?: string; region: string };
            backup: { protect?: boolean };
            recordings?: { protect?: boolean };
        };
    };
}

function settingsOf(name: string): Settings {
    return parse(readFileSync(join(checkout, `Pulumi.${name}.yaml`), "utf8")) as Settings;
}

function changed(
    name: string,
    folder: string,
    change: (station: Settings["config"]["aerial:station"]) => void,
): string {
    const settings = settingsOf(name);
    change(settings.config["aerial:station"]);
    const file = join(folder, "changed.yaml");
    writeFileSync(file, stringify(settings));
    return file;
}
