import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { parse, stringify } from "yaml";

import { rememberStackFile, stackFile } from "../../../lab/engine/stackFile";
import { run } from "../../../lab/workstation/run";
import { bootMachine, execInMachine, findMachine, killMachine } from "../../../lab/machines/machines";
import { inImage } from "../../../lab/machines/image";
import { sites } from "../../../lab/network/addresses";
import { inNamespace } from "../../../lab/network/network";
import { checkout, labPath } from "../../../lab/paths";
import { volumes } from "../../../lab/digitalocean/records";
import { ensureStorage, stopStorage } from "../../../lab/amazon/storage";
import type { Audience } from "../support/audience";
import { closeBook, note } from "../support/book";
import { Backup, type Call, type Version } from "../support/bucket";
import { pulumiUp } from "../support/checkout";
import { drill } from "../support/drill";
import { limits } from "../support/limits";
import { clientOf } from "../support/names";
import {
    emergencyFiles,
    keptForEmergencies,
    makeShows,
    Playout,
    refreshEmergencies,
    type Show,
} from "../support/playout";
import { World } from "../support/world";

/*
 * Airtime and its shows, from the first upload to the loss of everything. Each drill brings about what it begins with,
 * unless an earlier one has left it so.
 */

let world: World;
let backup: Backup;
let airtime: Playout;
let place: string;
let made: Record<string, Show>;

/** Airtime plays these by its schedule. Of the first there will be another version. */
const [news, evening, foreign] = ["music/news.mp3", "music/evening.flac", "music/Größe & 第一回.ogg"];
const music = { [news]: "news.mp3", [evening]: "evening.flac", [foreign]: "other.ogg" };
/** Newer than all others, and as large as the Masters have room for: they keep this one and no other. */
const reserve = "reserve/night.wav";
const schedule = "[main]\ndaily 00:00-12:00 music/\ndaily 12:00-24:00 music/\n";
const ten = Array.from({ length: 10 }, (_, n) => `ten/${n}.wav`);

const show = (name: string): Show => {
    const found = made[name];
    if (!found) {
        throw new Error(`there is no show ${name}`);
    }
    return found;
};

beforeAll(async () => {
    world = await World.open();
    backup = await Backup.open();
    airtime = new Playout(world.outputs.shows.libraries[world.channel] ?? "");
    place = await clientOf(world.relays[0]?.region ?? "");
    const long = (...options: string[]) => ({ tone: "airtime", options: ["-t", "40", ...options] });
    made = await makeShows({
        "news.mp3": long("-b:a", "256k"),
        "evening.flac": long(),
        "other.ogg": long("-b:a", "256k"),
        "news-later.mp3": long("-ss", "3", "-b:a", "256k"),
        "night.wav": { tone: "emergency", options: ["-t", "26", "-ar", "96000"] },
        ...Object.fromEntries(
            ten.map((_, n) => [
                `ten-${n}.wav`,
                { tone: "airtime", options: ["-ss", `0.${n}`, "-t", `${6 + n / 10}`] },
            ]),
        ),
    });
    await airtime.sh(`printf '${schedule}' | runuser -u aerial -- tee /home/aerial/schedule.txt
        systemctl start aerial-backup@configuration.service`);
    await world.mend();
}, 1_200_000);

afterAll(async () => {
    await ensureStorage(backup.region);
    await world.mend();
    closeBook("airtime");
});

/** Shows that are on their way into the library, and what they are there. */
const stock = { ...music, [reserve]: "night.wav" };

/** The first version of the music and the reserve are in the library and in the bucket, and play. */
async function stocked(): Promise<void> {
    const there = await airtime.sh(`cd ${airtime.library}; find . -type f`);
    const missing = Object.entries(stock).filter(([path]) => !there.includes(`./${path}\n`));
    for (const [path, name] of missing) {
        await airtime.drop(path, show(name), path === reserve ? "now" : undefined);
    }
    for (const [path, name] of missing) {
        await backup.untilKept(path, show(name).sha256, limits.showKept);
    }
}

/** When the first version of the news was all there was; another one has been on its way since. */
let onlyFirst: string | undefined;

async function newsMadeAnew(): Promise<string> {
    if (onlyFirst === undefined) {
        await stocked();
        onlyFirst = new Date().toISOString();
        // S3 knows seconds.
        await sleep(1000);
        await airtime.drop(news, show("news-later.mp3"));
    }
    return onlyFirst;
}

it("has shows in the bucket within a minute of their arrival, and on the air", () =>
    drill(world, "shows arrive", {
        sources: {},
        hearing: "announcement",
        happens: async (audience) => {
            const arriving = Date.now();
            // Music first: while there is none, the playout plays whatever there is.
            const kept: Promise<void>[] = [];
            for (const [path, name] of Object.entries(stock)) {
                await airtime.drop(path, show(name), path === reserve ? "now" : undefined);
                kept.push(isKept(path, show(name)));
            }
            await hearsTheLibrary(audience, arriving, "the library's first show");
            await Promise.all(kept);
        },
        expect: { heard: ["announcement", "airtime"] },
    }));

/** On a busy machine a show may be on the air before all of what has begun at `since`, and ends now, is done. */
function hearsTheLibrary(audience: Audience, since: number, what: string): Promise<number> {
    return audience.hears("airtime", since, Date.now() - since + limits.libraryHeard, what);
}

async function isKept(path: string, { sha256 }: Show): Promise<void> {
    const since = Date.now();
    const took = (await backup.untilKept(path, sha256, limits.showKept)) - since;
    note("shows arrive", `in the bucket (ms), ${path}`, took, limits.showKept);
    expect(took).toBeLessThanOrEqual(limits.showKept);
}

it("has them there as they are: anybody with the reader's key plays them by FFmpeg", async () => {
    await stocked();
    for (const [path, name] of Object.entries(music)) {
        const [version, ...more] = await backup.versionsOf(path);
        expect([version?.size, more]).toEqual([show(name).content.length, []]);
        const url = await backup.presigned(place, version?.key ?? "");
        const ca = backup.caFile;
        const fetched = await run(
            inNamespace(place, ["sh", "-c", 'curl -sSf --cacert "$1" "$2" | sha256sum', "sh", ca, url]),
        );
        expect(fetched.stdout.split(" ")[0]).toBe(show(name).sha256);
        const decode = ["-i", url, "-f", "s16le", "-ac", "1", "-ar", "8000", "-"];
        const trusting = ["-v", "error", "-xerror", "-tls_verify", "1", "-ca_file", "/root.pem"];
        const played = await inImage(
            ["sh", "-c", '"$@" | wc -c', "sh", "ffmpeg", "-nostdin", ...trusting, ...decode],
            { netns: place, binds: [{ source: ca, target: "/root.pem" }], timeoutSeconds: 60 },
        );
        expect(Number(played.stdout) / 16_000).toBeCloseTo(40, 0);
    }
});

it("refuses the writer all that would undo a backup, and strangers everything", async () => {
    await stocked();
    const [version] = await backup.versionsOf(news);
    const others = "somebody-elses";
    await backup.asOwner({ method: "PUT" }, others);
    const it = { Bucket: backup.shows, Key: version?.key };
    const old = { ...it, VersionId: version?.id };
    const past = { BypassGovernanceRetention: true };
    const expiry = { Rules: [{ ID: "x", Status: "Enabled", Filter: {}, Expiration: { Days: 1 } }] };
    const unlocked = { ObjectLockEnabled: "Enabled" };
    const calls: Call[] = [
        ["delete", "writer", "delete_object", it],
        ["delete a version", "writer", "delete_object", old],
        ["delete it past the lock", "writer", "delete_object", { ...old, ...past }],
        ["shorten a lock", "writer", "put_object_retention", { ...old, retainDays: 0.01 }],
        ["past the lock", "writer", "put_object_retention", { ...old, retainDays: 0.01, ...past }],
        [
            "lock no more",
            "writer",
            "put_object_lock_configuration",
            { Bucket: backup.shows, ObjectLockConfiguration: unlocked },
        ],
        [
            "expire",
            "writer",
            "put_bucket_lifecycle_configuration",
            { Bucket: backup.shows, LifecycleConfiguration: expiry },
        ],
        ["open up", "writer", "delete_bucket_policy", { Bucket: backup.shows }],
        ["list others'", "writer", "list_objects_v2", { Bucket: others }],
        ["read others'", "writer", "get_object", { Bucket: others, Key: "x" }],
        ["write to others", "writer", "put_object", { Bucket: others, Key: "x", Body: "" }],
        ["nobody reads", null, "get_object", it],
        ["nobody lists", null, "list_objects_v2", { Bucket: backup.shows }],
        ["nobody writes", null, "put_object", { ...it, Body: "" }],
        ["the reader deletes", "reader", "delete_object", old],
    ];
    const refusals = await backup.ask(place, calls);
    await backup.asOwner({ method: "DELETE" }, others);
    // versitygw has no lifecycles, and says so to everybody; at Amazon the policy refuses.
    expect(refusals.expire).toMatchObject({
        refused: expect.stringMatching(/^(AccessDenied|NotImplemented)$/),
    });
    for (const [label] of calls.filter(([name]) => name !== "expire")) {
        expect([label, refusals[label]]).toMatchObject([label, { refused: "AccessDenied" }]);
    }
    for (const bucket of [backup.shows, backup.archive]) {
        const { body } = await backup.asOwner({ method: "GET", query: { policy: "" } }, bucket);
        const { Statement } = JSON.parse(body) as { Statement: object[] };
        expect(Statement).toContainEqual(
            expect.objectContaining({
                Effect: "Deny",
                Condition: expect.objectContaining({ Bool: { "aws:SecureTransport": "false" } }),
            }),
        );
    }
});

it("names by audit a show that has gone from the bucket and a file that rots, and is healed as it says", async () => {
    await stocked();
    // Beside the audit, for the drill that restores the first version: it waits less then.
    await newsMadeAnew();
    await backup.hide(foreign);
    await airtime.sh(`cd ${airtime.library}; touch -r ${evening} /tmp/times
        printf X | dd of=${evening} bs=1 seek=100000 conv=notrunc status=none; touch -r /tmp/times ${evening}`);
    await airtime.sh("systemctl start aerial-backup@dump.service");
    const said = await airtime.sh("aerial-backup audit", [1]);
    expect(said).toContain(`missing in the bucket: main/${foreign}`);
    expect(said).toContain(`differs on disk: main/${evening}`);
    expect(await airtime.outcome("audit")).toMatchObject({
        healthy: false,
        problems: [
            { kind: "missing in the bucket", path: foreign },
            { kind: "differs on disk", path: evening },
        ],
    });
    await airtime.sh("aerial-backup status", [1]);
    await airtime.sh(`aerial-backup upload --again; aerial-restore --library --shows '${evening}'
        aerial-backup audit`);
    expect((await airtime.outcome("audit")).healthy).toBe(true);
    await backup.untilKept(news, show("news-later.mp3").sha256, limits.showKept);
});

it("comes back from nothing: machine and disk are gone, and nobody hears a gap", async () => {
    await stocked();
    await Promise.all(world.masters.map(refreshEmergencies));
    for (const master of world.masters) {
        expect(Object.keys(await keptForEmergencies(master))).toEqual([reserve]);
    }
    const until = new Date().toISOString();
    // What is played from here on is not noted: the dump has all that the database will ever have.
    await airtime.sh("systemctl stop aerial-catalogue.service; aerial-backup dump");
    const [library, records] = [await airtime.contents(), await airtime.records(until)];
    const versions = (await backup.versions()).length;
    await drill(world, "Airtime's machine destroyed", {
        sources: {},
        hearing: "airtime",
        happens: async (audience) => {
            const gone = Date.now();
            await airtime.destroy();
            await audience.hears("emergency", gone, limits.sourceDies, "Airtime's machine is destroyed");
            await run([join(checkout, "tools/lab"), "up", "--refresh"], { timeoutSeconds: 600 });
            note("machine destroyed", "a new one is there (s)", (Date.now() - gone) / 1000, 600);
            const restoring = Date.now();
            // As the runbook has it: the schedule, then everything else.
            const said = await airtime.sh(`
                aerial-restore --to /root/found --no-shows --no-database --configuration
                cp /root/found/configuration/mnt/*_airtime/schedule.txt /home/aerial/schedule.txt
                aerial-schedule check
                aerial-restore --library --database airtime --replace`);
            process.stdout.write(said);
            const seconds = (Date.now() - restoring) / 1000;
            note("machine destroyed", "shows and database are back (s)", seconds, limits.restored / 1000);
            note("machine destroyed", "in all (s)", (Date.now() - gone) / 1000, limits.restored / 1000);
            expect(Date.now() - gone).toBeLessThanOrEqual(limits.restored);
            await hearsTheLibrary(audience, restoring, "the library is back");
        },
        expect: { heard: ["airtime", "emergency", "airtime"] },
    });
    expect(await airtime.contents()).toBe(library);
    expect(await airtime.records(until)).toBe(records);
    expect(await airtime.sh("cat /home/aerial/schedule.txt")).toBe(schedule);
    await airtime.sh("for run in upload dump audit drill; do aerial-backup $run; done");
    expect(await backup.versions()).toHaveLength(versions);
});

it("restores a show as it was before it was overwritten", async () => {
    const before = await newsMadeAnew();
    await backup.untilKept(news, show("news-later.mp3").sha256, limits.showKept);
    const hash = async (options: string) =>
        (
            await airtime.sh(`rm -rf /root/then; aerial-restore --to /root/then --shows '${news}' ${options} >&2
            sha256sum </root/then/main/${news}`)
        ).split(" ")[0];
    expect(await hash(`--at ${before}`)).toContain(show("news.mp3").sha256);
    expect(await hash("")).toContain(show("news-later.mp3").sha256);
});

it("keeps each of ten shows, once and whole, with S3 away and the machine killed in a put; Masters play what they have", async () => {
    await stocked();
    await Promise.all(world.masters.map(refreshEmergencies));
    await drill(world, "S3 and all sources away", {
        sources: {},
        hearing: "airtime",
        happens: async (audience) => {
            // The line breaks when some shows are through, so in the middle of others.
            await airtime.sh(`nft add table inet broken
                nft add chain inet broken out '{ type filter hook output priority 0; }'
                nft add rule inet broken out ip daddr ${sites.s3} tcp dport 443 quota over 4 mbytes counter drop`);
            for (const [n, path] of ten.entries()) {
                await airtime.drop(path, show(`ten-${n}.wav`));
            }
            await airtime.sh(`for i in $(seq 600); do
                nft list chain inet broken out | grep -q 'counter packets [1-9]' && exit; sleep 0.1; done; exit 1`);
            const away = Date.now();
            await killMachine(airtime.id);
            const through = await tenKept();
            await stopStorage();
            note("ten shows", "through when the machine was killed", through.length, 9);
            expect(through.length).toBeGreaterThan(0);
            expect(through.length).toBeLessThan(10);
            await audience.hears("emergency", away, limits.sourceDies, "Airtime's power is cut");

            // The other Master has the show, too; and this one plays it no more when its disk has changed it.
            const a = findMachine("master-a").id;
            await killMachine(a);
            await world.onUpstream("b", limits.backOnPreferred);
            await sleep(2000);
            audience.expectToHear("emergency");
            rot(emergencyFiles("master-a"));
            await bootMachine(a);
            await world.mastersWell(limits.backOnPreferred);
            const alone = Date.now();
            await killMachine(findMachine("master-b").id);
            await audience.hears(
                "announcement",
                alone,
                limits.nextSource,
                "Master a alone, with a rotten show",
            );

            const power = Date.now();
            await bootMachine(airtime.id);
            await audience.hears("airtime", power, limits.mastersBack, "Airtime boots, S3 is away");
            // It has tried since it booted, and again, in vain.
            await airtime.sh(`until [ "$(journalctl -b -o cat -u aerial-backup@upload.service |
                grep -c 'S3 is away')" -ge 2 ]; do sleep 0.5; done`);
            const back = Date.now();
            await ensureStorage(backup.region);
            for (const [n, path] of ten.entries()) {
                await backup.untilKept(path, show(`ten-${n}.wav`).sha256, limits.showKept);
            }
            note("ten shows", "all kept after S3 is back (ms)", Date.now() - back, limits.showKept);
        },
        expect: { heard: ["airtime", "emergency", "announcement", "airtime"] },
    });

    const versions = await tenKept();
    expect(new Set(versions.map(({ key }) => key)).size).toBe(10);
    expect(versions).toHaveLength(10);
    await airtime.sh(`aerial-restore --to /root/ten --shows 'ten/*'
        diff -r /root/ten/main/ten ${airtime.library}/ten; aerial-backup audit`);
    await refreshEmergencies("master-a");
    const [file = ""] = Object.values(await keptForEmergencies("master-a"));
    const path = `/var/lib/aerial/emergency/main/${file}`;
    expect(await world.at("master-a", ["sha256sum", path])).toContain(show("night.wav").sha256);
});

it("is replaced while it writes: it is shut down first, and what it had confirmed is whole on its disk", async () => {
    const settings = stackFile();
    const changed = parse(readFileSync(settings, "utf8")) as Settings;
    changed.config["aerial:station"].airtime.size = "s-4vcpu-8gb";
    const file = labPath("replaced.yaml");
    writeFileSync(file, stringify(changed));
    await airtime.sh(
        "runuser -u postgres -- psql -q airtime -c 'create table drill (n integer primary key)'",
    );
    const old = airtime.id;
    let written: Awaited<ReturnType<typeof writeUntilGone>> | undefined;
    await drill(world, "Airtime replaced", {
        sources: {},
        hearing: "airtime",
        happens: async (audience) => {
            const writing = writeUntilGone(old);
            const since = Date.now();
            rememberStackFile(file);
            const [result, gone] = await Promise.all([
                pulumiUp(),
                audience.hears("emergency", since, limits.airtimeGoes, "Airtime is shut down"),
            ]);
            rememberStackFile(settings);
            written = await writing;
            note("Airtime replaced", "up (s)", (Date.now() - since) / 1000, 600);
            expect(result).toMatchObject({ ok: true, errors: [] });
            await audience.hears("airtime", since + gone, limits.mastersBack, "the new machine");
        },
        expect: { heard: ["airtime", "emergency", "airtime"] },
    });
    expect(airtime.id).not.toBe(old);
    const [volume] = volumes.all();
    expect(volume).toMatchObject({ clean: true, dropletId: Number(airtime.id) });

    // PostgreSQL found its data as it leaves them, not as an interruption does.
    const log = await airtime.sh("journalctl --no-pager -b -u aerial-postgresql.service");
    expect(log).toContain("database system was shut down at");
    expect(log).not.toMatch(/was interrupted|not properly shut down/);

    const { rows = [], shows = [] } = written ?? {};
    note("Airtime replaced", "rows confirmed before it went", rows.length, 1000);
    note("Airtime replaced", "shows confirmed before it went", shows.length, 1000);
    expect(Math.min(rows.length, shows.length)).toBeGreaterThan(0);
    const kept = await airtime.sh(
        "runuser -u postgres -- psql -At airtime -c 'select n from drill order by n'",
    );
    const numbers = kept.trim().split("\n").map(Number);
    expect(rows.filter((n) => !numbers.includes(n))).toEqual([]);
    const hashes = await airtime.sh(`cd ${airtime.library}; sha256sum written/*.wav`);
    const whole = shows.map((path) => `${show("ten-0.wav").sha256}  ${path}`);
    expect(whole.filter((line) => !hashes.includes(line))).toEqual([]);
});

interface Settings {
    config: { "aerial:station": { airtime: { size?: string } } };
}

/** Writes rows and shows without a pause until the machine takes no more; what it had confirmed by then. */
async function writeUntilGone(id: string): Promise<{ rows: number[]; shows: string[] }> {
    const [rows, shows]: [number[], string[]] = [[], []];
    const writeRows = async (): Promise<void> => {
        for (let n = 0; ; n++) {
            const insert = `insert into drill values (${n})`;
            await execInMachine(id, [
                "runuser",
                "-u",
                "postgres",
                "--",
                "psql",
                "-q",
                "airtime",
                "-c",
                insert,
            ]);
            rows.push(n);
        }
    };
    const writeShows = async (): Promise<void> => {
        // Shows go to whichever machine there is.
        for (let n = 0; airtime.id === id; n++) {
            const path = `written/${n}.wav`;
            await airtime.drop(path, show("ten-0.wav"));
            shows.push(path);
            await sleep(500);
        }
    };
    await Promise.allSettled([writeRows(), writeShows()]);
    return { rows, shows };
}

async function tenKept(): Promise<Version[]> {
    return (await backup.versions()).filter(({ key }) => key.includes("/main/ten/"));
}

/** A disk gives back something else than was written. */
function rot(files: string[]): void {
    expect(files).not.toEqual([]);
    for (const file of files) {
        const handle = openSync(file, "r+");
        writeSync(handle, "X", 1_000_000);
        closeSync(handle);
    }
}
