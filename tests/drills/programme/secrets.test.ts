import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { enginePath } from "../../../lab/engine/command";
import { engineEnvironment } from "../../../lab/engine/environment";
import { run } from "../../../lab/workstation/run";
import { execInMachine, listMachines } from "../../../lab/machines/machines";
import { labPath } from "../../../lab/paths";
import { World } from "../support/world";

/*
 * A station on the air, with sources connected, is searched for every secret it has: in clear, where none belongs.
 */

let needles: string[];
let world: World;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await world.arrange({ studio: { master: "both" }, airtime: {} });
    const resources = await deployedResources();
    const ofState = (some: unknown[]): string[] => plaintexts(some).flatMap(searchable);
    needles = [...new Set([...ofState(resources), ...(await secretsOfMachines())])];
}, 1_200_000);

afterAll(() => world.arrange({}));

const deployment = z.object({
    deployment: z.object({ resources: z.array(z.looseObject({ urn: z.string() })) }),
});

/** The stack's state with every secret in clear: passwords, private keys, what is sent to machines. */
async function deployedResources(): Promise<{ urn: string }[]> {
    const options = ["--show-secrets", "--stack", "lab", "--non-interactive"];
    const { stdout } = await run([await enginePath(), "stack", "export", ...options], {
        cwd: labPath("project"),
        env: { ...process.env, ...engineEnvironment(labPath("bin"), "machines") },
    });
    return deployment.parse(JSON.parse(stdout)).deployment.resources;
}

/** What machines were given and what they made up for themselves. */
async function secretsOfMachines(): Promise<string[]> {
    const read = ["sh", "-c", "cat /etc/aerial/secrets/*.json"];
    const answers = await Promise.all(listMachines().map(({ id }) => execInMachine(id, read)));
    return answers.flatMap(({ stdout }) =>
        stdout
            .split(/(?<=\})\s*(?=\{)/)
            .map((text) => JSON.parse(text) as unknown)
            .flatMap(searchable),
    );
}

const secretValue = z.object({ plaintext: z.string() });

/** All values that the engine marks as secret, wherever they stand. */
function plaintexts(value: unknown): unknown[] {
    const secret = secretValue.safeParse(value);
    if (secret.success) {
        return [JSON.parse(secret.data.plaintext)];
    }
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(plaintexts) : [];
}

/**
 * The parts of a secret that can be looked for: passwords as they are, a private key's line with the secret number. Left out is
 * what only accompanies secrets: addresses, commands, certificates.
 */
function searchable(value: unknown): string[] {
    if (typeof value === "object" && value !== null) {
        return Object.values(value).flatMap(searchable);
    }
    if (typeof value !== "string") {
        return [];
    }
    // The hash of user data, by which a provider sees that it has changed.
    if (/^[0-9a-f]{40}$/.test(value)) {
        return [];
    }
    if (/^\s*[[{]/.test(value)) {
        try {
            return searchable(JSON.parse(value));
        } catch {
            return [];
        }
    }
    if (value.includes("PRIVATE KEY-----")) {
        const lines = value.split("\n").filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line));
        // The other lines may be the public key, which certificates show: SEC 1 begins with the secret number, PKCS 8 has it
        // over its first two lines, and OpenSSH in its last one.
        return value.includes("BEGIN EC PRIVATE KEY")
            ? lines.slice(0, 1)
            : value.includes("BEGIN PRIVATE KEY")
              ? lines.slice(0, 2).slice(-1)
              : lines.slice(-1);
    }
    return /^[^\s]{16,}$/.test(value) && /\d/.test(value) && /[a-z]/i.test(value) && !/[/:]/.test(value)
        ? [value]
        : [];
}

/** Files below folders that hold a secret in clear. */
async function filesWithSecrets(folders: string[], secrets = needles): Promise<string[]> {
    const argv = ["grep", "-r", "-l", "-a", "-s", "-F", "-f", "-", "--", ...folders];
    const { stdout } = await run(argv, { stdin: secrets.join("\n") + "\n", allow: [0, 1, 2] });
    return stdout.split("\n").filter((file) => file !== "");
}

const holdsSecret = (text: string): boolean => needles.some((needle) => text.includes(needle));

const disk = (machine: string, path: string): string => labPath("machines", machine, "upper", path);

it("knows the secrets it looks for, and finds them where they belong", async () => {
    expect(needles.length).toBeGreaterThan(8);
    expect(needles.every((needle) => needle.length >= 16)).toBe(true);
    const machines = listMachines();
    const homes = machines.map(({ id }) => disk(id, "etc/aerial/secrets"));
    const holders = machines.flatMap(({ id, name }) => [
        disk(id, "etc/aerial/secrets/delivered.json"),
        // The monitoring machine makes none for itself.
        ...(name === "monitoring" ? [] : [disk(id, "etc/aerial/secrets/local.json")]),
    ]);
    expect((await filesWithSecrets(homes)).sort()).toEqual(holders.sort());
});

it("keeps none in the engine's state, its project and logs, or the logs of the lab's processes", async () => {
    const folders = ["state", "project", "pulumi", "services"].map((name) => labPath(name));
    expect(await filesWithSecrets(folders)).toEqual([]);
});

it("keeps none in the cloud's records", async () => {
    expect(await filesWithSecrets([labPath("cloud")])).toEqual([]);
});

it("gives none to a machine by its user data", async () => {
    expect(await filesWithSecrets(listMachines().map(({ id }) => disk(id, "var/lib/cloud")))).toEqual([]);
});

it("writes none into a machine's console, logs or journal", async () => {
    const machines = listMachines();
    const logs = machines.flatMap(({ id }) => [disk(id, "var/log"), labPath("machines", id, "console.log")]);
    expect(await filesWithSecrets(logs)).toEqual([]);
    const journals = await Promise.all(
        machines.map(async ({ id, name }) => {
            const { stdout } = await execInMachine(id, [
                "journalctl",
                "--all",
                "--output=export",
                "--no-pager",
            ]);
            return { name, entries: stdout.length > 0, holdsSecret: holdsSecret(stdout) };
        }),
    );
    expect(journals).toEqual(machines.map(({ name }) => ({ name, entries: true, holdsSecret: false })));
});

it("passes none as an argument of a process", () => {
    const found = readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => ({ pid, argv: argumentsOf(pid) }))
        .filter(({ argv }) => holdsSecret(argv))
        .map(({ pid, argv }) => `${pid} ${argv.split("\0")[0]}`);
    expect(found).toEqual([]);
});

function argumentsOf(pid: string): string {
    try {
        return readFileSync(join("/proc", pid, "cmdline"), "utf8");
    } catch {
        return "";
    }
}
