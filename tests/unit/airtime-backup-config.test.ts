import { z } from "zod";

import { awsSchema, refuseBucketMistakes } from "../../config/aws";
import { backupSchema, refuseBackupMistakes } from "../../config/backup";
import { mistakesOf } from "../../config/errors";

/** The part of a station that the backup concerns. */
const part = z
    .strictObject({
        ...{ domain: z.string(), aws: awsSchema.optional(), backup: backupSchema },
        canary: z.object({}).optional(),
        recordings: z.literal("none").default("none"),
    })
    .superRefine((station, context) => {
        refuseBackupMistakes(station, context);
        refuseBucketMistakes(station, context);
    });

const aws = { accountId: "123456789012", region: "eu-central-1" };

function read(backup: unknown, change: object = {}) {
    const given = { domain: "radio.example", aws, ...(backup !== undefined && { backup }), ...change };
    const result = part.safeParse(given);
    return result.success
        ? { backup: result.data.backup, mistakes: [] }
        : { backup: undefined, mistakes: mistakesOf("aerial:station", given, result.error) };
}

/** The mistakes as people read them. */
const complaints = (backup: unknown, change: object = {}) =>
    read(backup, change).mistakes.map(({ key, value, remedy }) => `${key} is ${value}: ${remedy}`);

describe("the backup in the configuration", () => {
    it("locks for 30 days by default, and moves old shows to cheaper classes that still play at once", () => {
        expect(read({}).backup).toEqual({
            lockDays: 30,
            showClasses: [
                { afterDays: 30, storageClass: "STANDARD_IA" },
                { afterDays: 90, storageClass: "GLACIER_IR" },
            ],
            oldVersionDays: 90,
            archiveDays: 365,
            abortUploadDays: 7,
            emergencyShowsMiB: 1024,
            protect: true,
        });
    });

    it("may be none, also without an account at Amazon", () => {
        expect(read("none", { aws: undefined }).backup).toBe("none");
    });

    it.each([undefined, null, "no", true, 7])("is not forgotten: %p", (given) => {
        expect(complaints(given)).toEqual([
            expect.stringMatching(
                /^aerial:station\.backup is .*: describe the backup, .* or write `backup: none`/,
            ),
        ]);
    });

    it.each<[string, object, string[]]>([
        ["lock days below zero", { lockDays: -1 }, ["backup.lockDays is -1: use 1 to 3650 days, such as 30"]],
        ["half a day", { lockDays: 1.5 }, ["backup.lockDays is 1.5: use a whole number of days"]],
        [
            "a class that does not exist",
            { showClasses: [{ afterDays: 30, storageClass: "GLACIER_FAST" }] },
            [
                'backup.showClasses[0].storageClass is "GLACIER_FAST": use a class from which shows play at once: ' +
                    "STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR",
            ],
        ],
        [
            "a class from which shows would not play",
            { showClasses: [{ afterDays: 30, storageClass: "DEEP_ARCHIVE" }] },
            [
                'backup.showClasses[0].storageClass is "DEEP_ARCHIVE": a show there can be played only after up to two ' +
                    "days; use a class from which shows play at once: STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR",
            ],
        ],
        [
            "a single data centre",
            { showClasses: [{ afterDays: 30, storageClass: "ONEZONE_IA" }] },
            [
                'backup.showClasses[0].storageClass is "ONEZONE_IA": it keeps shows in one data centre, and loses them ' +
                    "with it; use a class from which shows play at once: STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR",
            ],
        ],
        [
            "an age that S3 does not take",
            { showClasses: [{ afterDays: 7, storageClass: "STANDARD_IA" }] },
            [
                "backup.showClasses[0].afterDays is 7: shows can move to STANDARD_IA after 30 days; use 30 or more",
            ],
        ],
        [
            "a step upwards",
            {
                showClasses: [
                    { afterDays: 30, storageClass: "GLACIER_IR" },
                    { afterDays: 90, storageClass: "STANDARD_IA" },
                ],
            },
            [
                'backup.showClasses[1].storageClass is "STANDARD_IA": shows cannot move here from GLACIER_IR; put the ' +
                    "steps in this order: STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR",
            ],
        ],
        [
            "a stay shorter than what is billed",
            {
                showClasses: [
                    { afterDays: 30, storageClass: "STANDARD_IA" },
                    { afterDays: 40, storageClass: "GLACIER_IR" },
                ],
            },
            [
                "backup.showClasses[1].afterDays is 40: shows stay in STANDARD_IA for at least 30 days; use 60 or more",
            ],
        ],
        [
            "a copy beside the original",
            { copyRegion: "eu-central-1" },
            [
                'backup.copyRegion is "eu-central-1": the originals are in this region too (aws.region); use another ' +
                    "one, or leave out the key for no copy",
            ],
        ],
        [
            "old versions that go before their lock",
            { lockDays: 100 },
            ["backup.oldVersionDays is nothing: objects are locked for 100 days (lockDays); use 100 or more"],
        ],
        [
            "a setting that does not exist",
            { lockdays: 3 },
            ["backup.lockdays is 3: there is no such setting; check its spelling, or remove it"],
        ],
        [
            "a list that is none",
            { showClasses: "STANDARD_IA" },
            ['backup.showClasses is "STANDARD_IA": give a list'],
        ],
        [
            "shows beyond a Master's disk, and all other mistakes at once",
            { emergencyShowsMiB: 30_000, archiveDays: 0 },
            [
                "backup.archiveDays is 0: use 1 to 3650 days, such as 365",
                "backup.emergencyShowsMiB is 30000: use 10 to 20480 MiB, such as 1024: about 12 hours at 192 kbit/s",
            ],
        ],
    ])("refuses %s, with the remedy", (_what, backup, expected) => {
        expect(complaints(backup)).toEqual(expected.map((line) => `aerial:station.${line}`));
    });

    it("refuses an unknown region of the copies and names those that exist", () => {
        expect(complaints({ copyRegion: "eu-central-9" })[0]).toMatch(
            /^aerial:station\.backup\.copyRegion is "eu-central-9": use an AWS region: .*eu-west-1/,
        );
    });

    it("refuses a backup without an account", () => {
        expect(complaints({}, { aws: undefined })).toEqual([
            expect.stringContaining("aerial:station.aws is nothing: the backup is kept at Amazon"),
        ]);
    });

    it("refuses a prefix that no bucket may have", () => {
        const bucketPrefix = "Radio_Example";
        expect(complaints({}, { aws: { ...aws, bucketPrefix } })).toEqual([
            'aerial:station.aws.bucketPrefix is "Radio_Example": use lower-case letters, digits and hyphens, with a ' +
                "letter or digit at both ends, such as radio-example-prod",
        ]);
    });

    describe.each(["a".repeat(40) + ".example", "xn--rdio-5qa.example"])("of a station at %s", (domain) => {
        it.each<[string, unknown, object]>([
            ["backup", {}, {}],
            ["canary alone", "none", { canary: {} }],
        ])("refuses names of buckets for the %s, unless a prefix is given", (_, backup, change) => {
            expect(complaints(backup, { ...change, domain })).toEqual([
                expect.stringMatching(/^aerial:station\.domain is .*; give aws\.bucketPrefix/),
            ]);
            const prefixed = { ...aws, bucketPrefix: "my-station-prod" };
            expect(complaints(backup, { ...change, domain, aws: prefixed })).toEqual([]);
        });

        it("takes the domain if there are no buckets", () => {
            expect(complaints("none", { domain })).toEqual([]);
        });
    });
});
