import "./ownRecordLab";

import { createHash } from "node:crypto";
import { rmSync } from "node:fs";

import { labFolder } from "../../lab/paths";
import { buckets, objects } from "../../lab/amazon/records";
import { differences } from "../../lab/cloud/protocol/differences";
import { s3Kinds } from "../../lab/amazon/s3";
import type { ResourceKind } from "../../lab/cloud/kind";
import { problemsWith } from "../../lab/cloud/protocol/problems";
import { sweep } from "../../lab/engine/sweep";

/* What the lab's S3 refuses, as the real one does. In record mode: there is no server. */

afterEach(() => rmSync(labFolder, { recursive: true, force: true }));

const region = "eu-central-1";
const context = { urn: "urn:test", name: "test", log: () => undefined };

type Given = Record<string, unknown>;

function kind(name: string): ResourceKind {
    const found = s3Kinds.find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

interface Made {
    id: string;
    inputs: Given;
    outputs: Given;
}

async function create(name: string, given: Given): Promise<Made> {
    const inputs = { region, ...given };
    return { inputs, ...(await kind(name).create(inputs, context)) };
}

function refusals(name: string, given: Given): string[] {
    const problems = problemsWith(kind(name), { region, bucket: "radio-test-shows", ...given });
    return problems.map(({ property, reason }) => `${property}: ${reason}`);
}

const versions = (bucket: string, status = "Enabled") =>
    create("BucketVersioning", { bucket, versioningConfiguration: { status } });

const lock = (bucket: string, defaultRetention: Given) =>
    create("BucketObjectLockConfiguration", { bucket, rule: { defaultRetention } });

describe("before anything is made, S3 refuses", () => {
    it.each([
        ["Radio", "only lowercase alphanumeric characters and hyphens allowed"],
        ["ab", "must contain from 3 to 63 characters"],
        ["a".repeat(64), "must contain from 3 to 63 characters"],
        ["-radio", "must begin and end with a letter or number"],
        ["radio..test", "two consecutive periods"],
        ["192.168.5.4", "must not be formatted as an IP address"],
        ["radio_test", "only lowercase alphanumeric"],
    ])("the bucket name %s", (bucket, reason) => {
        expect(refusals("Bucket", { bucket })).toContainEqual(expect.stringContaining(reason));
    });

    it("what the lab does not know, and regions that are none", () => {
        expect(refusals("Bucket", { acl: "private" })).toEqual([
            expect.stringContaining("acl: the lab cloud"),
        ]);
        expect(refusals("Bucket", { region: "mars-1" })).toEqual(["region: invalid AWS Region: mars-1"]);
    });

    it.each<[Given, string]>([
        [{ mode: "GOVERNANCE", days: 0 }, "Default retention period must be a positive integer value."],
        [{ mode: "GOVERNANCE", days: -1 }, "Default retention period must be a positive integer value."],
        [{ mode: "GOVERNANCE", days: 36_501 }, "Default retention period is too large"],
        [{ mode: "GOVERNANCE" }, "MalformedXML"],
        [{ mode: "GOVERNANCE", days: 1, years: 1 }, "MalformedXML"],
        [{ mode: "SOMETIMES", days: 1 }, 'expected this to be one of ["COMPLIANCE" "GOVERNANCE"]'],
    ])("a lock of %j", (defaultRetention, reason) => {
        const found = refusals("BucketObjectLockConfiguration", { rule: { defaultRetention } });
        expect(found).toEqual([expect.stringContaining(reason)]);
    });

    const rule = (changes: Given) => ({ rules: [{ id: "a", status: "Enabled", ...changes }] });
    const moves = (...steps: [number, string][]) =>
        rule({ transitions: steps.map(([days, storageClass]) => ({ days, storageClass })) });

    it.each<[string, Given, string]>([
        ["to a class that is none", moves([30, "ICE"]), 'expected this to be one of ["STANDARD_IA"'],
        [
            "to infrequent access before 30 days",
            moves([29, "STANDARD_IA"]),
            "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
        ],
        [
            "to one zone before 30 days",
            moves([7, "ONEZONE_IA"]),
            "must be greater than or equal to 30 for storageClass 'ONEZONE_IA'",
        ],
        [
            "from the cheaper to the dearer",
            moves([30, "GLACIER"], [90, "STANDARD_IA"]),
            "'Days' in the Transition action for StorageClass 'STANDARD_IA' must be less than",
        ],
        [
            "out of infrequent access within 30 days",
            moves([30, "STANDARD_IA"], [45, "GLACIER_IR"]),
            "must be 30 days more than 'Days' in the Transition action for StorageClass 'STANDARD_IA'",
        ],
        ["twice to one class", moves([30, "GLACIER"], [60, "GLACIER"]), "must be different"],
        [
            "after the object is gone",
            rule({ transitions: [{ days: 90, storageClass: "GLACIER" }], expiration: { days: 60 } }),
            "'Days' in the Expiration action must be greater than",
        ],
        ["without an action", rule({}), "At least one action needs to be specified in a rule"],
        [
            "of broken uploads at once",
            rule({ abortIncompleteMultipartUpload: { daysAfterInitiation: 0 } }),
            "positive",
        ],
    ])("a lifecycle %s", (_, given, reason) => {
        expect(refusals("BucketLifecycleConfiguration", given)).toEqual([expect.stringContaining(reason)]);
    });

    it("takes a lifecycle that S3 takes", () => {
        const given = {
            rules: [
                {
                    ...moves([30, "STANDARD_IA"], [90, "GLACIER_IR"], [180, "DEEP_ARCHIVE"]).rules[0],
                    filter: { prefix: "shows/" },
                },
                {
                    id: "b",
                    status: "Enabled",
                    filter: {},
                    noncurrentVersionExpiration: { noncurrentDays: 90 },
                    expiration: { expiredObjectDeleteMarker: true },
                    abortIncompleteMultipartUpload: { daysAfterInitiation: 2 },
                },
            ],
        };
        expect(refusals("BucketLifecycleConfiguration", given)).toEqual([]);
        expect(refusals("BucketLifecycleConfiguration", { rules: [given.rules[1], given.rules[1]] })).toEqual(
            [expect.stringContaining("rules[1].id: Rule ID must be unique")],
        );
    });

    it("policies that are none, or say things no bucket's policy can", () => {
        const statement = { Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::radio" };
        const policy = (changes: Given) => ({
            policy: JSON.stringify({ Version: "2012-10-17", Statement: [{ ...statement, ...changes }] }),
        });
        const said = (given: Given) => refusals("BucketPolicy", given).join("; ");
        expect(said(policy({}))).toBe("");
        expect(said({ policy: "{" })).toContain("policy: contains an invalid JSON policy");
        expect(said({ policy: "{}" })).toContain("Syntax errors in policy. (Version:");
        expect(said(policy({ Effect: "Maybe" }))).toContain("Syntax errors in policy.");
        expect(said(policy({ Actions: "s3:*" }))).toContain("Syntax errors in policy.");
        expect(said(policy({ Action: "PutObject" }))).toContain("must be prefaced by a vendor");
        expect(said(policy({ Resource: "radio" }))).toContain("must be in ARN format");
        expect(said(policy({ Principal: undefined }))).toContain("Missing required field Principal");
    });
});

describe("S3 refuses", () => {
    it("a bucket of a name that is taken, in any region", async () => {
        const { id } = await create("Bucket", { bucket: "radio-test-shows" });
        expect(id).toBe("radio-test-shows");
        await expect(create("Bucket", { bucket: id, region: "us-east-1" })).rejects.toThrow(
            /^creating S3 Bucket \(radio-test-shows\): .*BucketAlreadyExists: The requested bucket name is not available/,
        );
    });

    it("anything on a bucket that does not exist, or is elsewhere", async () => {
        await expect(versions("nobodys")).rejects.toThrow(
            "NoSuchBucket: The specified bucket does not exist",
        );
        await create("Bucket", { bucket: "far", region: "us-east-1" });
        await expect(versions("far")).rejects.toThrow(
            /PermanentRedirect.*far\.s3\.us-east-1\.amazonaws\.com/,
        );
    });

    it("locks without versions, and fewer versions where there are locks", async () => {
        await create("Bucket", { bucket: "open" });
        const governance = { mode: "GOVERNANCE", days: 30 };
        await expect(lock("open", governance)).rejects.toThrow(
            "InvalidBucketState: Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        );
        await versions("open");
        await lock("open", governance);
        expect(buckets.get("open")).toMatchObject({ versioning: "Enabled", retention: governance });
        await expect(versions("open", "Suspended")).rejects.toThrow(
            "An Object Lock configuration is present on this bucket",
        );
    });

    it("copies of what has no versions, to nowhere, to itself, and into a bucket without locks", async () => {
        const copy = (target: string, changes: Given = {}) =>
            create("BucketReplicationConfig", {
                bucket: "source",
                role: "arn:aws:iam::123456789012:role/copy",
                rules: [
                    {
                        status: "Enabled",
                        priority: 0,
                        filter: {},
                        deleteMarkerReplication: { status: "Disabled" },
                        destination: { bucket: `arn:aws:s3:::${target}`, storageClass: "STANDARD_IA" },
                        ...changes,
                    },
                ],
            });
        await create("Bucket", { bucket: "source" });
        await expect(copy("target")).rejects.toThrow(
            "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        );
        await versions("source");
        await expect(copy("target")).rejects.toThrow("Destination bucket must exist.");
        await expect(copy("source")).rejects.toThrow("cannot be the same as the source bucket");
        await create("Bucket", { bucket: "target" });
        await expect(copy("target")).rejects.toThrow("Destination bucket must have versioning enabled.");
        await versions("target");
        await expect(copy("target", { priority: undefined })).rejects.toThrow("Priority must be specified");
        await expect(copy("target", { deleteMarkerReplication: undefined })).rejects.toThrow(
            "DeleteMarkerReplication must be specified",
        );
        await copy("target");
        await lock("source", { mode: "GOVERNANCE", days: 1 });
        await expect(copy("target")).rejects.toThrow("Destination bucket must have Object Lock enabled");
    });

    it("policies on others' resources, and public ones where those are blocked", async () => {
        const put = (changes: Given) => {
            const statement = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", ...changes };
            return create("BucketPolicy", {
                bucket: "radio",
                policy: { Version: "2012-10-17", Statement: statement },
            });
        };
        await create("Bucket", { bucket: "radio" });
        const own = { Resource: "arn:aws:s3:::radio/*" };
        await expect(put({ Resource: "arn:aws:s3:::radio-2/*" })).rejects.toThrow(
            "Policy has invalid resource",
        );
        await expect(put({ ...own, Action: "iam:PassRole" })).rejects.toThrow("Policy has invalid action");
        await put(own);
        await create("BucketPublicAccessBlock", { bucket: "radio", blockPublicPolicy: true });
        await expect(put(own)).rejects.toThrow("public policies are blocked by the BlockPublicPolicy");
        const tlsOnly = { Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } };
        const { outputs } = await put({ ...own, ...tlsOnly });
        expect(JSON.parse(String(outputs.policy))).toMatchObject({ Statement: tlsOnly });
    });
});

describe("buckets", () => {
    it("are known by their names in every way that others need them", async () => {
        const { outputs } = await create("Bucket", { bucket: "radio", objectLockEnabled: true });
        expect(outputs).toMatchObject({
            arn: "arn:aws:s3:::radio",
            bucketRegionalDomainName: "radio.s3.eu-central-1.amazonaws.com",
            region,
        });
        expect(buckets.get("radio")).toMatchObject({ versioning: "Enabled", objectLock: true });
    });

    it("lose what is taken off them, and are gone when they are removed", async () => {
        const bucket = await create("Bucket", { bucket: "radio" });
        const closed = await create("BucketPublicAccessBlock", { bucket: "radio", blockPublicPolicy: true });
        const blocks = kind("BucketPublicAccessBlock");
        expect(await blocks.read(closed, context)).toMatchObject({ blockPublicPolicy: true });
        await blocks.delete(closed, context);
        expect(await blocks.read(closed, context)).toBeUndefined();
        await kind("Bucket").delete(bucket, context);
        expect(await kind("Bucket").read(bucket, context)).toBeUndefined();
    });

    it("that no state knows are removed", async () => {
        await create("Bucket", { bucket: "kept" });
        await create("Bucket", { bucket: "forgotten" });
        await sweep(new Set(["aws:s3/bucket:Bucket kept"]));
        expect(buckets.ids()).toEqual(["kept"]);
    });
});

describe("objects", () => {
    const object = kind("BucketObjectv2");
    const given = { bucket: "radio", key: "relay/0a1b", content: "grüße" };

    beforeEach(() => create("Bucket", { bucket: "radio" }));

    it("are known by bucket and key, with the hash of their content and, where there are versions, a version", async () => {
        const { id, outputs } = await create("BucketObjectv2", given);
        expect(id).toBe("radio/relay/0a1b");
        expect(outputs).toMatchObject({
            arn: "arn:aws:s3:::radio/relay/0a1b",
            etag: createHash("md5").update("grüße").digest("hex"),
            versionId: "",
        });
        await versions("radio");
        const [first, second] = [
            await create("BucketObjectv2", given),
            await create("BucketObjectv2", given),
        ];
        expect(first.outputs.versionId).not.toBe("");
        expect(second.outputs.versionId).not.toBe(first.outputs.versionId);
    });

    it("keep their content in no record: it is on the server", async () => {
        await create("BucketObjectv2", given);
        expect(JSON.stringify(objects.all())).not.toContain("grüße");
    });

    it("are new ones under another key, and get another version with another content", () => {
        const changes = (change: Given) => differences(object, given, { ...given, ...change });
        expect(changes({ key: "relay/2c3d" })).toEqual([
            expect.objectContaining({ property: "key", replaces: true }),
        ]);
        expect(changes({ content: "x" }).map(({ property, replaces }) => [property, replaces])).toEqual([
            ["content", false],
            ["versionId", false],
        ]);
    });

    it("are refused without their bucket, and under keys that the provider would change", async () => {
        await expect(create("BucketObjectv2", { ...given, bucket: "nobodys" })).rejects.toThrow(
            /^uploading S3 Object \(relay\/0a1b\) to Bucket \(nobodys\): .*PutObject.*NoSuchBucket/,
        );
        for (const key of ["/relay", "./relay", "relay//a"]) {
            expect(refusals("BucketObjectv2", { ...given, key })).toEqual([expect.stringContaining("key: ")]);
        }
        expect(refusals("BucketObjectv2", { ...given, key: "é".repeat(513) })).toEqual([
            expect.stringContaining("KeyTooLongError"),
        ]);
        expect(refusals("BucketObjectv2", { ...given, acl: "public-read" })).toEqual([
            expect.stringContaining("acl: the lab cloud"),
        ]);
    });

    it("are gone when they are removed, or their bucket with all that is in it", async () => {
        const first = await create("BucketObjectv2", given);
        expect(await object.read(first, context)).toMatchObject({ key: given.key });
        await object.delete(first, context);
        expect(await object.read(first, context)).toBeUndefined();
        const second = await create("BucketObjectv2", given);
        const bucket = { id: "radio", inputs: { bucket: "radio", region, forceDestroy: true }, outputs: {} };
        await kind("Bucket").delete(bucket, context);
        expect(await object.read(second, context)).toBeUndefined();
        expect(objects.ids()).toEqual([]);
    });

    it("that no state knows are removed, so that their bucket can be", async () => {
        await create("BucketObjectv2", given);
        await create("BucketObjectv2", { ...given, key: "kept" });
        await sweep(
            new Set(["aws:s3/bucket:Bucket radio", "aws:s3/bucketObjectv2:BucketObjectv2 radio/kept"]),
        );
        expect(objects.ids()).toEqual(["radio/kept"]);
    });
});
