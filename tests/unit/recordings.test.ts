import { mistakesOf } from "../../config/errors";
import { stationSchema } from "../../config/schema";
import { parseStation } from "../../config/station";
import { recordingKeys, recordingsRole, type RecordingsPlan } from "../../components/master/recordings";
import { masterSecrets, renderMaster } from "../../components/master/render";
import { Recordings, type RecordingsArgs } from "../../components/recordings";
import { secretTitle } from "../../components/machine/secrets";
import { stationToPlan } from "../../config/plan";
import { planStation } from "../../model/plan";
import { planRecordings } from "../../model/plan/storage";
import { recordedFormat } from "../../model/recordings";
import { masterPlan } from "../support/masterPlan";
import { isSecret, record, reveal, type Recorded } from "../support/mocks";
import { plannedStation } from "../support/plannedStation";
import { runProgram } from "../support/program";
import { filesOf } from "../support/readDelivery";
import { stationConfig } from "../support/station";

const aws = { accountId: "123456789012", region: "eu-central-1" };

describe("recordings in the configuration", () => {
    const complaints = (change: object): string[] => {
        const given = { ...stationConfig(), aws, ...change };
        const { error } = stationSchema.safeParse(given);
        return error
            ? mistakesOf("", given, error).map(({ key, value, remedy }) => `${key} is ${value}: ${remedy}`)
            : [];
    };

    it("are none unless described, and then of 31 days, in MP3, and protected", () => {
        expect(parseStation(stationConfig()).recordings).toBe("none");
        expect(parseStation({ ...stationConfig(), recordings: "none" }).recordings).toBe("none");
        expect(parseStation({ ...stationConfig(), aws, recordings: {} }).recordings).toEqual({
            days: 31,
            codec: "mp3",
            protect: true,
        });
    });

    it.each<[object, string]>([
        [
            { recordings: {}, aws: undefined },
            '.aws is nothing: recordings are kept at Amazon: give aws: { accountId: "123456789012"',
        ],
        [{ recordings: { days: 0 } }, ".recordings.days is 0: use 1 to 3650 days, such as 31"],
        [{ recordings: { days: 1.5 } }, ".recordings.days is 1.5: use a whole number of days"],
        [{ recordings: { codec: "wav" } }, '.recordings.codec is "wav": use mp3 or aac'],
        [{ recordings: { day: 31 } }, ".recordings.day is 31: "],
        [
            { recordings: true },
            ".recordings is true: describe the recordings, such as `recordings: { days: 31 }`",
        ],
        [
            { recordings: {}, domain: `${"long.".repeat(12)}example` },
            "it makes the names of buckets too long; give aws.bucketPrefix",
        ],
    ])("are refused in words: %p", (change, complaint) => {
        expect(complaints(change)).toEqual([expect.stringContaining(complaint)]);
    });

    it("are of the wanted codec, or of a channel's first format where it does not have that", () => {
        const formats = [{ codec: "aac" as const }, { codec: "mp3" as const }];
        expect(recordedFormat(formats, "mp3").codec).toBe("mp3");
        expect(recordedFormat(formats.slice(0, 1), "mp3").codec).toBe("aac");
    });
});

const args: RecordingsArgs = {
    bucketPrefix: "radio-example-prod",
    region: "eu-central-1",
    masters: ["a", "b"],
    days: 31,
    protect: true,
    keyGeneration: 2,
};

describe("where recordings are kept", () => {
    let resources: Recorded[];
    let made: Recordings;

    beforeAll(async () => {
        resources = await record(() => {
            made = new Recordings("recordings", args);
        });
    });

    const inputsOf = (type: string): Record<string, Record<string, unknown>> =>
        Object.fromEntries(
            resources.filter((one) => one.type === `aws:${type}`).map(({ name, inputs }) => [name, inputs]),
        );

    it("is one locked bucket, whose objects expire by themselves after their days, and old versions after a day", () => {
        expect(Object.values(inputsOf("s3/bucket:Bucket"))).toEqual([
            { bucket: "radio-example-prod-recordings", objectLockEnabled: true },
        ]);
        const [lifecycle] = Object.values(
            inputsOf("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"),
        );
        expect(lifecycle?.rules).toEqual([
            { id: "recordings", status: "Enabled", filter: {}, expiration: { days: 31 } },
            {
                id: "clean",
                status: "Enabled",
                filter: {},
                noncurrentVersionExpiration: { noncurrentDays: 1 },
                expiration: { expiredObjectDeleteMarker: true },
                abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
            },
        ]);
        const [lock] = Object.values(
            inputsOf("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"),
        );
        expect(lock?.rule).toEqual({ defaultRetention: { mode: "GOVERNANCE", days: 1 } });
    });

    it("lets each Master add below its own name and take its own takes away, and one key read", () => {
        const policies = Object.fromEntries(
            Object.entries(inputsOf("iam/userPolicy:UserPolicy")).map(([name, { policy }]) => [
                name,
                (
                    JSON.parse(String(policy)) as { Statement: { Action: string; Resource: string[] }[] }
                ).Statement.map(({ Action, Resource }) => [Action, Resource]),
            ]),
        );
        const bucket = "arn:aws:s3:::radio-example-prod-recordings";
        const of = (id: string) => [
            ["s3:PutObject", [`${bucket}/hours/${id}/*`, `${bucket}/takes/${id}/*`]],
            ["s3:DeleteObject", [`${bucket}/takes/${id}/*`]],
        ];
        expect(policies).toEqual({
            "recordings-recorder-a": of("a"),
            "recordings-recorder-b": of("b"),
            "recordings-reader": [
                ["s3:ListBucket", [bucket]],
                ["s3:GetObject", [`${bucket}/*`]],
            ],
        });
        expect(Object.keys(inputsOf("iam/accessKey:AccessKey")).sort()).toEqual([
            "recordings-reader-2",
            "recordings-recorder-a-2",
            "recordings-recorder-b-2",
        ]);
    });

    it("knows no key of a Master that is none", () => {
        expect(() => made.writerOf("c")).toThrow("Master c records nothing");
    });
});

const recordings: RecordingsPlan = {
    bucket: "radio-test-recordings",
    region: "eu-central-1",
    codec: "mp3",
    timeZone: "Europe/Berlin",
    masters: ["a", "b"],
};

describe("a Master that records", () => {
    const role = renderMaster(masterPlan({ recordings }));
    const content = (path: string): string => role.files.find((file) => file.path === path)?.content ?? "";

    it("is told what, where and how much, and no key outside of its own files", () => {
        expect(JSON.parse(content("/etc/aerial/recordings/recordings.json"))).toEqual({
            master: "a",
            masters: ["a", "b"],
            bucket: "radio-test-recordings",
            region: "eu-central-1",
            timeZone: "Europe/Berlin",
            icecastPort: 8000,
            spoolBytes: 4 * 2 ** 30,
            channels: {
                main: { codec: "mp3", mount: "/main.mp3" },
                jazz: { codec: "mp3", mount: "/jazz.mp3" },
            },
        });
        const secrets = role.files.filter(
            ({ path, secretFormat }) => secretFormat && path.includes("recordings"),
        );
        expect(secrets.map(({ path, mode }) => [path, mode])).toEqual(
            ["listener", "writer", "reader"].map((name) => [`/etc/aerial/recordings/${name}`, "0600"]),
        );
        expect(content("/etc/aerial/recordings/writer")).toBe(
            "[writer]\naws_access_key_id = @{recordings.writer.id}\naws_secret_access_key = @{recordings.writer.secret}\n",
        );
        expect(masterSecrets(masterPlan({ recordings })).values).toEqual(
            expect.arrayContaining(Object.values(recordingKeys).flatMap(({ id, secret }) => [id, secret])),
        );
        expect(secretTitle(recordingKeys.reader.id)).toBe("recordings' keys");
    });

    it("starts recorder and uploader anew when what they run or read changes, and nothing else", () => {
        const services = role.services.filter(({ unit }) => unit.startsWith("aerial-record"));
        const modules = role.files.filter(({ path }) => /lib\/aerial\/(recordings|feed)\//.test(path));
        expect(modules).toHaveLength(12);
        for (const { reads, onChange } of services) {
            expect(onChange).toBe("restart");
            for (const { path } of modules) {
                expect(reads.some((place) => path.startsWith(place))).toBe(true);
            }
        }
        expect(services.map(({ unit, reads }) => [unit, reads.at(-1)])).toEqual([
            ["aerial-recorder.service", "/etc/aerial/recordings/listener"],
            ["aerial-recordings.service", "/etc/aerial/recordings/writer"],
        ]);
    });

    it("is as it was without recordings", () => {
        const without = renderMaster(masterPlan());
        expect(without.files.filter(({ path }) => /record|archive|feed/.test(path))).toEqual([]);
        expect(without.units.filter((unit) => unit.includes("record"))).toEqual([]);
    });

    it.each<[Partial<RecordingsPlan>, string]>([
        [{ bucket: "Radio" }, '"Radio" is not the name of a bucket'],
        [{ region: "ams3" }, '"ams3" is not a region of Amazon'],
        [{ spoolMiB: 0.5 }, "recordings take whole MiB above 0 of the disk, not 0.5"],
    ])("is refused with %p", (change, message) => {
        expect(() => recordingsRole(masterPlan({ recordings: { ...recordings, ...change } }))).toThrow(
            message,
        );
    });
});

it("a station with recordings gives each Master its own writer, and all of them the reader", async () => {
    const { resources, outputs } = await runProgram({ ...stationConfig(), aws, recordings: {} });
    const bucket = "radio-test-test-recordings";
    expect(outputs.recordings).toEqual({ bucket, region: "eu-central-1", days: 31 });
    const texts = ["a", "b"].map((id) => {
        const { stdin } = resources.find(({ name }) => name === `master-${id}-delivery`)!.inputs;
        expect(isSecret(stdin)).toBe(true);
        return String(reveal(stdin));
    });
    const written = texts.map((text) => filesOf(text)["/etc/aerial/recordings/recordings.json"]);
    expect(written.map((text) => JSON.parse(text ?? "{}") as object)).toEqual([
        expect.objectContaining({ master: "a", bucket }),
        expect.objectContaining({ master: "b", bucket }),
    ]);
    const users = resources
        .filter(({ type }) => type === "aws:iam/user:User")
        .map(({ inputs }) => inputs.name);
    expect(users.sort()).toEqual(
        ["recorder-a", "recorder-b", "recordings-reader"].map((name) => `radio-test-test-${name}`),
    );
}, 120_000);

describe("the plan of recordings", () => {
    it("counts what each Master keeps, what it puts, and what it sends", () => {
        const { storedGib, monthlyUsd } = planRecordings(
            { region: "us-east-1", days: 31, bitratesKbps: [192, 128] },
            2,
        );
        // 320 kbit/s are 40 kB a second; hours for 31 days and takes for none, and both until S3 has deleted them.
        expect(storedGib).toBeCloseTo((2 * 40_000 * 86_400 * (31 + 6)) / 2 ** 30, 6);
        const puts = 2 * 2 * 122 * 730;
        expect(monthlyUsd).toBeCloseTo(storedGib * 0.023 + puts * 0.000005, 6);
    });

    it("is an item of the bill, and of the Masters' transfer", () => {
        const without = planStation(plannedStation());
        const plan = planStation(
            plannedStation({ recordings: { region: "eu-central-1", days: 31, bitratesKbps: [192] } }),
        );
        const item = plan.items.find(({ name }) => name === "Recordings");
        expect(item?.monthlyUsd).toBeGreaterThan(1);
        expect(item?.detail).toMatch(/^31 days by \d Masters: \d+ GiB in eu-central-1$/);
        expect(without.items.map(({ name }) => name)).not.toContain("Recordings");
        expect(without.transfer.recordingsGiB).toBe(0);
        expect(plan.transfer.recordingsGiB).toBeGreaterThan(100);
        expect(plan.transfer.overGiB).toBeCloseTo(
            Math.max(
                0,
                plan.transfer.listenersGiB +
                    plan.transfer.linksGiB +
                    plan.transfer.recordingsGiB -
                    plan.transfer.includedGiB,
            ),
            6,
        );
    });

    it("is that of the configuration", () => {
        const station = parseStation({ ...stationConfig(), aws, recordings: { days: 92, codec: "aac" } });
        expect(stationToPlan(station).recordings).toEqual({
            region: "eu-central-1",
            days: 92,
            bitratesKbps: [station.channels[0]!.formats.find(({ codec }) => codec === "aac")!.bitrateKbps],
        });
        expect(stationToPlan(parseStation(stationConfig())).recordings).toBeUndefined();
    });
});
