import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { MasterPlan } from "../../components/master/plan";
import { recordingKeys } from "../../components/master/recordings";
import { renderMaster } from "../../components/master/render";
import { run } from "../../lab/workstation/run";
import { ensureImage, inImage, type ImageBind } from "../../lab/machines/image";
import { cacheFolder } from "../../lab/paths";
import { delivered } from "../support/delivered";
import { masterPlan } from "../support/masterPlan";
import { patience } from "../support/patience";

const keys = { id: "AKIARECORDINGS000000", secret: "s/cret+with=signs" };

/** The lab's S3, as `tools/setup storage` left it. */
function storage(): string {
    const found = readdirSync(cacheFolder).find((name) => name.startsWith("versitygw-v"));
    if (found === undefined) {
        throw new Error("there is no versitygw in the cache: run tools/setup storage");
    }
    return join(cacheFolder, found, "bin", "versitygw");
}

/** What a delivery puts on a Master that records. */
async function install(change: Partial<MasterPlan>): Promise<string> {
    const base = masterPlan();
    const plan = {
        ...base,
        channels: base.channels.slice(0, 1),
        recordings: {
            ...{ bucket: "radio-test-recordings", region: "eu-central-1", timeZone: "UTC" },
            ...{ codec: "mp3" as const, masters: ["a", "b"] },
        },
        ...change,
    };
    const values = {
        "relay.link": "relay-2:link",
        ...Object.fromEntries(plan.linkGenerations.map((n) => [`relay.link.${n}`, `link ${n}`])),
        ...Object.fromEntries(plan.sources.map(({ name }) => [`source.main.${name}`, "source"])),
        ...Object.fromEntries(
            Object.values(recordingKeys).flatMap(({ id, secret }) => [
                [id, keys.id],
                [secret, keys.secret],
            ]),
        ),
    };
    return delivered(renderMaster(plan), {
        values,
        files: { "tls.pem": "x", "tls.key": "x", "ca.pem": "x" },
    });
}

let roots: Record<"a" | "b", string>;

beforeAll(async () => {
    await ensureImage();
    roots = { a: await install({}), b: await install({ id: "b", ingestPort: 8001 }) };
}, 600_000);

afterAll(() => {
    Object.values(roots).forEach((root) => rmSync(root, { recursive: true }));
});

it("recordings are made by units that systemd accepts, with keys that only root reads", async () => {
    const { stdout, stderr } = await inImage(
        [
            ...["bash", "-euc"],
            `cp -r /installed/. /; cd /etc/systemd/system
             systemd-analyze verify --man=no --recursive-errors=no aerial-recorder.service aerial-recordings.service
             stat -c '%a %n' /etc/aerial/recordings/*; cat /etc/aerial/recordings/reader
             /usr/local/sbin/aerial-archive --help | head -n 1`,
        ],
        { binds: [{ source: roots.a, target: "/installed" }], timeoutSeconds: 60 * patience },
    );
    expect((stdout + stderr).trim().split("\n")).toEqual([
        "600 /etc/aerial/recordings/listener",
        "600 /etc/aerial/recordings/reader",
        "644 /etc/aerial/recordings/recordings.json",
        "600 /etc/aerial/recordings/writer",
        "[reader]",
        `aws_access_key_id = ${keys.id}`,
        `aws_secret_access_key = ${keys.secret}`,
        "usage: aerial-archive [-h] {cut,titles} ...",
    ]);
}, 300_000);

it("what two Masters record is whole although one is killed, and cut to the second", async () => {
    const binds: ImageBind[] = [
        { source: roots.a, target: "/installed/a" },
        { source: roots.b, target: "/installed/b" },
        { source: storage(), target: "/usr/local/bin/versitygw" },
        { source: join(__dirname, "recordings-in-image.sh"), target: "/recordings-in-image.sh" },
    ];
    await run(["shellcheck", join(__dirname, "recordings-in-image.sh")]);
    const { stdout, stderr } = await inImage(
        [
            ...["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc"],
            "ip link set lo up; exec bash /recordings-in-image.sh",
        ],
        { binds, env: { S3_ID: keys.id, S3_SECRET: keys.secret }, timeoutSeconds: 300 * patience },
    );
    const told = Object.fromEntries(
        stdout
            .trim()
            .split("\n")
            .map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
    );
    const look = `${stdout}\n${stderr}`;

    // Master b fills what Master a lacks, and nobody lacks a second.
    expect(told.whole).toMatch(/^0 .*Master [ab], /);
    expect(told.whole).not.toContain("nobody");
    expectSeconds(told["whole-holds"], Number(told["whole-begins"]), Number(told["whole-lasts"]), look);
    expect(told["growing"]).not.toContain("nobody");
    expectSeconds(told["growing-holds"], Number(told["growing-begins"]), 15, look);

    // At most a minute of a killed Master's is not at S3; the recorder that was killed before cost nothing.
    const missed = missingSeconds(told["a-misses"]);
    expect(missed).toHaveLength(1);
    expect(missed[0]).toBeGreaterThan(0);
    expect(missed[0]).toBeLessThan(60);
    // Liquidsoap of Master b was away for as long as it starts.
    expect(missingSeconds(told["b-misses"])).toHaveLength(1);

    expect(told.keys).toMatch(
        /^1 hours\/b\/main\/DAY\/\d{6}\.DISK\.json;1 hours\/b\/main\/DAY\/\d{6}\.DISK\.mp3;(\d takes\/a\/main\/DAY\/\d\d\/START\.DISK\.take;)+$/,
    );
    const titles = (told.titles ?? "").split(";").filter((title) => title !== "");
    expect(titles.length).toBeGreaterThanOrEqual(4);
    expect(titles.every((title) => /^studio +Größe \d+$/.test(title))).toBe(true);
    expect(told.nothing).toMatch(/^nobody has main from 2026-01-01 00:00:00\.0\+00:00 to /);
    expect(told["wrong-ending"]).toBe(
        "it was recorded as MP3, and is not encoded again: let the file end in .mp3;",
    );
    expect(told.metrics).toContain("aerial_recordings_s3_reached 1;");
}, 1_000_000);

/** Seconds that nobody has, of each hole that a cut told of. */
function missingSeconds(text = ""): number[] {
    return [...text.matchAll(/: (\d+):([\d.]+);/g)].map(
        ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
    );
}

/** A file's seconds, of which there are 40, are those from one on, each once and in order, within one at both ends. */
function expectSeconds(text: string | undefined, from: number, count: number, look: string): void {
    const [length = NaN, ...heard] = (text ?? "").split(" ").map(Number);
    try {
        expect(Math.abs(length - count)).toBeLessThan(1);
        const far = (one: number, other: number): number => ((((one - other + 20) % 40) + 40) % 40) - 20;
        expect(Math.abs(far(heard[0] ?? NaN, from))).toBeLessThanOrEqual(1);
        expect(Math.abs(far(heard.at(-1) ?? NaN, from + count - 1))).toBeLessThanOrEqual(1);
        heard.slice(1).forEach((second, index) => expect(far(second, heard[index] ?? NaN)).toBe(1));
    } catch (error) {
        process.stdout.write(`${look}\n`);
        throw error;
    }
}
