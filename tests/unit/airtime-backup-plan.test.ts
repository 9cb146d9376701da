import fc from "fast-check";

import { backupInventory } from "../../components/airtimeBackup/plan";
import { lifecycleRules, type Keeping } from "../../components/airtimeBackup/lifecycle";
import {
    readerPolicy,
    replicationPolicy,
    replicationTrust,
    showsReaderPolicy,
    writerPolicy,
} from "../../components/airtimeBackup/policies";
import { tlsOnlyPolicy, type PolicyDocument } from "../../components/privateBucket/policies";
import { bucketName, bucketPrefix } from "../../model/bucketNames";
import { defaultRetention } from "../support/retention";

const keeping: Keeping = defaultRetention;

describe("names of buckets", () => {
    it("come from the domain and the stack", () => {
        const prefix = bucketPrefix("radio.example", "prod");
        const names = [
            bucketName(prefix, "shows"),
            bucketName(prefix, "archive", true),
            bucketName(prefix, "artefacts"),
        ];
        expect(names).toEqual([
            "radio-example-prod-shows",
            "radio-example-prod-archive-copy",
            "radio-example-prod-artefacts",
        ]);
    });

    it("are such as S3 takes, or refused with the remedy", () => {
        const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/);
        fc.assert(
            fc.property(fc.array(label, { minLength: 2, maxLength: 4 }), label, (labels, stack) => {
                let names;
                try {
                    const prefix = bucketPrefix(labels.join("."), stack);
                    names = [bucketName(prefix, "shows"), bucketName(prefix, "archive", true)];
                } catch (error) {
                    expect(String(error)).toContain("give aws.bucketPrefix");
                    return;
                }
                for (const name of names) {
                    expect(name).toMatch(/^(?!xn--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
                }
            }),
        );
    });

    it.each(["", "-radio", "Radio", "a".repeat(51), "xn--rdio-5qa", "a/b"])("refuse %p", (prefix) => {
        expect(() => bucketName(prefix, "shows")).toThrow("cannot be the name of a bucket");
    });
});

describe("what becomes of objects with age", () => {
    it("is, for shows: cheaper by steps, never gone; old versions and broken uploads go", () => {
        expect(lifecycleRules("shows", keeping)).toEqual([
            {
                id: "cheaper",
                status: "Enabled",
                filter: { prefix: "shows/" },
                transitions: [
                    { days: 30, storageClass: "STANDARD_IA" },
                    { days: 90, storageClass: "GLACIER_IR" },
                ],
            },
            {
                id: "clean",
                status: "Enabled",
                filter: {},
                noncurrentVersionExpiration: { noncurrentDays: 90 },
                expiration: { expiredObjectDeleteMarker: true },
                abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
            },
        ]);
    });

    it("is, in the archive: dumps and configurations expire, the manifest stays", () => {
        const rules = lifecycleRules("archive", keeping);
        expect(rules.map((rule) => [rule.filter.prefix, rule.expiration?.days])).toEqual([
            ["database/", 365],
            ["configuration/", 365],
            [undefined, undefined],
        ]);
        expect(rules[0]?.transitions).toEqual([{ days: 30, storageClass: "STANDARD_IA" }]);
    });

    it("moves no dump that would go soon after", () => {
        const rules = lifecycleRules("archive", { ...keeping, archiveDays: 59 });
        expect(rules.every((rule) => rule.transitions === undefined)).toBe(true);
    });

    it("moves no show where no class is given", () => {
        expect(lifecycleRules("shows", { ...keeping, showClasses: [] }).map((rule) => rule.id)).toEqual([
            "clean",
        ]);
    });

    it("never lets anything go before its lock ends, and never a current show", () => {
        const days = fc.integer({ min: 1, max: 3650 });
        fc.assert(
            fc.property(days, days, days, (lockDays, oldVersionDays, archiveDays) => {
                const plan = { ...keeping, lockDays, oldVersionDays, archiveDays };
                for (const kind of ["shows", "archive"] as const) {
                    for (const rule of lifecycleRules(kind, plan)) {
                        const ends = [
                            rule.noncurrentVersionExpiration?.noncurrentDays,
                            rule.expiration?.days,
                        ].filter((end) => end !== undefined);
                        expect(ends.every((end) => end >= lockDays)).toBe(true);
                        expect(kind === "shows" && rule.expiration?.days !== undefined).toBe(false);
                    }
                }
            }),
        );
    });
});

const originals = { shows: "s", archive: "a" };
const copies = { shows: "s-copy", archive: "a-copy" };

/** What a policy decides about an action on a resource, as IAM does: a denial wins, silence denies. */
function allows(policy: PolicyDocument, action: string, resource: string): boolean {
    const speaks = policy.Statement.filter(
        (statement) =>
            [statement.Action].flat().some((name) => matches(name, action)) &&
            (statement.Resource ?? []).some((arn) => matches(arn, `arn:aws:s3:::${resource}`)),
    );
    return (
        speaks.some((statement) => statement.Effect === "Allow") &&
        !speaks.some((statement) => statement.Effect === "Deny")
    );
}

function matches(pattern: string, value: string): boolean {
    return pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : pattern === value;
}

describe("the writer", () => {
    const writer = writerPolicy(originals);

    it.each([
        ["s3:PutObject", "s/shows/2026/11/22/main/a.mp3"],
        ["s3:PutObject", "a/database/2026/11/22/x.dump.age"],
        ["s3:ListBucket", "s"],
        ["s3:ListBucket", "a"],
    ])("may %s on %s", (action, resource) => {
        expect(allows(writer, action, resource)).toBe(true);
    });

    it.each([
        ["s3:GetObject", "a/database/x"],
        ["s3:GetObject", "s/shows/2026/11/22/main/a.mp3"],
        ["s3:GetObjectVersion", "s/x"],
        ["s3:DeleteObject", "s/x"],
        ["s3:DeleteObjectVersion", "s/x"],
        ["s3:PutObjectRetention", "s/x"],
        ["s3:PutObjectLegalHold", "s/x"],
        ["s3:BypassGovernanceRetention", "s/x"],
        ["s3:PutLifecycleConfiguration", "s"],
        ["s3:PutBucketObjectLockConfiguration", "s"],
        ["s3:PutBucketVersioning", "a"],
        ["s3:PutBucketPolicy", "a"],
        ["s3:PutReplicationConfiguration", "a"],
        ["s3:PutObject", "s-copy/x"],
        ["s3:PutObject", "other/x"],
        ["s3:ListBucket", "other"],
        ["s3:ListAllMyBuckets", "*"],
    ])("may not %s on %s", (action, resource) => {
        expect(allows(writer, action, resource)).toBe(false);
    });

    it("may undo nothing even if somebody grants it everything beside", () => {
        const everything: PolicyDocument = {
            Version: "2012-10-17",
            Statement: [
                { Sid: "All", Effect: "Allow", Action: "s3:*", Resource: ["*"] },
                ...writer.Statement,
            ],
        };
        for (const kind of ["s", "a"]) {
            expect(allows(everything, "s3:DeleteObjectVersion", `${kind}/x`)).toBe(false);
            expect(allows(everything, "s3:PutLifecycleConfiguration", kind)).toBe(false);
        }
    });
});

describe("the readers", () => {
    const reader = readerPolicy(originals, copies);
    const showsReader = showsReaderPolicy("s");

    it("restore any version of everything, also from the copies", () => {
        for (const bucket of ["s", "a", "s-copy", "a-copy"]) {
            expect(allows(reader, "s3:ListBucketVersions", bucket)).toBe(true);
            expect(allows(reader, "s3:GetObjectVersion", `${bucket}/x`)).toBe(true);
        }
        expect(allows(readerPolicy(originals), "s3:GetObject", "s-copy/x")).toBe(false);
    });

    it("give a Master the current shows and nothing else", () => {
        expect(allows(showsReader, "s3:ListBucket", "s")).toBe(true);
        expect(allows(showsReader, "s3:GetObject", "s/shows/x")).toBe(true);
        expect(allows(showsReader, "s3:GetObject", "a/database/x")).toBe(false);
        expect(allows(showsReader, "s3:GetObjectVersion", "s/shows/x")).toBe(false);
    });

    it("change nothing", () => {
        const actions = [...reader.Statement, ...showsReader.Statement].flatMap(({ Action }) => Action);
        expect(actions.every((action) => /^s3:(Get|List)/.test(action))).toBe(true);
    });
});

describe("the other policies", () => {
    it("close a bucket and its objects to plain HTTP, for everyone", () => {
        expect(tlsOnlyPolicy("s").Statement).toEqual([
            {
                Sid: "TlsOnly",
                Effect: "Deny",
                Principal: "*",
                Action: "s3:*",
                Resource: ["arn:aws:s3:::s", "arn:aws:s3:::s/*"],
                Condition: { Bool: { "aws:SecureTransport": "false" } },
            },
        ]);
    });

    it("let S3 alone copy, and delete nothing on the other side", () => {
        expect(replicationTrust().Statement[0]?.Principal).toEqual({ Service: "s3.amazonaws.com" });
        const policy = replicationPolicy(originals, copies);
        expect(allows(policy, "s3:ReplicateObject", "s-copy/x")).toBe(true);
        expect(allows(policy, "s3:GetObjectVersionForReplication", "a/x")).toBe(true);
        expect(allows(policy, "s3:GetObjectRetention", "a/x")).toBe(true);
        expect(allows(policy, "s3:ReplicateDelete", "s-copy/x")).toBe(false);
        expect(allows(policy, "s3:ReplicateObject", "s/x")).toBe(false);
    });

    it("have names of statements as IAM takes them", () => {
        const documents = [
            writerPolicy(originals),
            readerPolicy(originals, copies),
            replicationPolicy(originals, copies),
        ];
        for (const { Statement } of documents) {
            const names = Statement.map(({ Sid }) => Sid);
            expect(names.every((name) => /^[A-Za-z0-9]+$/.test(name))).toBe(true);
            expect(new Set(names).size).toBe(names.length);
            // IAM takes 2,048 characters for all of a user's own policies.
            expect(JSON.stringify(Statement).length).toBeLessThan(2048);
        }
    });
});

describe("the inventory", () => {
    it("says what is protected, where and how long, in plain values", () => {
        const items = backupInventory({
            ...keeping,
            bucketPrefix: "radio-example-prod",
            region: "eu-central-1",
            copyRegion: "eu-west-1",
        });
        expect(items.map((item) => [item.bucket.name, item.keptDays])).toEqual([
            ["radio-example-prod-shows", null],
            ["radio-example-prod-archive", 365],
            ["radio-example-prod-archive", 365],
            ["radio-example-prod-archive", null],
        ]);
        expect(items[0]).toEqual({
            what: "every show, as plain audio",
            keys: "shows/YYYY/MM/DD/<channel>/<path in the library>",
            bucket: { name: "radio-example-prod-shows", region: "eu-central-1" },
            copy: { name: "radio-example-prod-shows-copy", region: "eu-west-1" },
            lockDays: 30,
            keptDays: null,
            oldVersionDays: 90,
            encryption: "none: any S3 client plays them",
        });
    });

    it("says that there is no copy", () => {
        const items = backupInventory({ ...keeping, bucketPrefix: "radio", region: "eu-central-1" });
        expect(items.every((item) => item.copy === null)).toBe(true);
    });
});
