import * as pulumi from "@pulumi/pulumi";

import { AirtimeBackup, type AirtimeBackupArgs } from "../../components/airtimeBackup";
import { record, type Recorded, publicKey } from "../support/mocks";

const plan: AirtimeBackupArgs = {
    bucketPrefix: "radio-example-prod",
    region: "eu-central-1",
    copyRegion: "eu-west-1",
    lockDays: 30,
    showClasses: [{ afterDays: 30, storageClass: "STANDARD_IA" }],
    oldVersionDays: 90,
    archiveDays: 365,
    abortUploadDays: 7,
    protect: true,
    keyGeneration: 2,
};

interface Made {
    resources: Recorded[];
    backup: AirtimeBackup;
}

async function make(change: Partial<AirtimeBackupArgs> = {}): Promise<Made> {
    const made: AirtimeBackup[] = [];
    const resources = await record(() => {
        made.push(new AirtimeBackup("backup", { ...plan, ...change }));
    });
    const [backup] = made;
    if (backup === undefined) {
        throw new Error("nothing was made");
    }
    return { resources, backup };
}

/** Inputs of all resources of a type, `s3/bucket:Bucket`, by resource name. */
function inputsOf(resources: Recorded[], type: string): Record<string, Record<string, unknown>> {
    return Object.fromEntries(
        resources.filter((one) => one.type === `aws:${type}`).map(({ name, inputs }) => [name, inputs]),
    );
}

const buckets = {
    "backup-shows": ["radio-example-prod-shows", undefined],
    "backup-archive": ["radio-example-prod-archive", undefined],
    "backup-copy-shows": ["radio-example-prod-shows-copy", "eu-west-1"],
    "backup-copy-archive": ["radio-example-prod-archive-copy", "eu-west-1"],
};

describe("a station's backup", () => {
    let made: Made;

    beforeAll(async () => {
        made = await make();
    });

    it("is two buckets and their copies in the second region, locked from the first moment", () => {
        const found = inputsOf(made.resources, "s3/bucket:Bucket");
        expect(
            Object.fromEntries(
                Object.entries(found).map(([name, inputs]) => [name, [inputs.bucket, inputs.region]]),
            ),
        ).toEqual(buckets);
        expect(Object.values(found).every((inputs) => inputs.objectLockEnabled === true)).toBe(true);
    });

    it.each<[string, string, unknown]>([
        ["bucketVersioning:BucketVersioning", "versions", { versioningConfiguration: { status: "Enabled" } }],
        [
            "bucketObjectLockConfiguration:BucketObjectLockConfiguration",
            "lock",
            { rule: { defaultRetention: { mode: "GOVERNANCE", days: 30 } } },
        ],
        [
            "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "encryption",
            { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
        ],
        [
            "bucketPublicAccessBlock:BucketPublicAccessBlock",
            "closed",
            {
                blockPublicAcls: true,
                blockPublicPolicy: true,
                ignorePublicAcls: true,
                restrictPublicBuckets: true,
            },
        ],
        [
            "bucketOwnershipControls:BucketOwnershipControls",
            "owner",
            { rule: { objectOwnership: "BucketOwnerEnforced" } },
        ],
    ])("gives every one of them its %s", (type, ending, expected) => {
        const found = inputsOf(made.resources, `s3/${type}`);
        expect(found).toEqual(
            Object.fromEntries(
                Object.entries(buckets).map(([name, [bucket, region]]) => [
                    `${name}-${ending}`,
                    { bucket, ...(region !== undefined && { region }), ...(expected as object) },
                ]),
            ),
        );
    });

    it("gives every one of them a policy of its own that refuses plain HTTP, and a lifecycle", () => {
        const policies = inputsOf(made.resources, "s3/bucketPolicy:BucketPolicy");
        for (const [name, [bucket = ""]] of Object.entries(buckets)) {
            const text = String(policies[`${name}-policy`]?.policy);
            expect(text).toContain('"aws:SecureTransport":"false"');
            expect(text).toContain(`"arn:aws:s3:::${bucket}/*"`);
        }
        const lifecycles = inputsOf(
            made.resources,
            "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        );
        expect(Object.keys(lifecycles).sort()).toEqual(
            Object.keys(buckets)
                .map((name) => `${name}-lifecycle`)
                .sort(),
        );
    });

    it("copies every new version, but no deletion, as a role that S3 alone takes on", () => {
        const found = inputsOf(made.resources, "s3/bucketReplicationConfig:BucketReplicationConfig");
        expect(found["backup-shows-replication"]).toEqual({
            bucket: "radio-example-prod-shows",
            role: "arn:aws:iam::123456789012:role/radio-example-prod-replication",
            rules: [
                {
                    id: "copy",
                    status: "Enabled",
                    priority: 1,
                    filter: {},
                    deleteMarkerReplication: { status: "Disabled" },
                    destination: { bucket: "arn:aws:s3:::radio-example-prod-shows-copy" },
                },
            ],
        });
        expect(Object.keys(found)).toHaveLength(2);
    });

    it("has three users, each with a policy and a key of its own", async () => {
        const users = inputsOf(made.resources, "iam/user:User");
        expect(Object.values(users).map((inputs) => inputs.name)).toEqual([
            "radio-example-prod-writer",
            "radio-example-prod-reader",
            "radio-example-prod-shows-reader",
        ]);
        const policies = inputsOf(made.resources, "iam/userPolicy:UserPolicy");
        expect(String(policies["backup-reader"]?.policy)).toContain("radio-example-prod-archive-copy/*");
        expect(String(policies["backup-shows-reader"]?.policy)).not.toContain("archive");
        for (const key of [made.backup.writer, made.backup.reader, made.backup.showsReader]) {
            expect(await pulumi.isSecret(key.secret)).toBe(true);
        }
    });

    it("has a key pair for what is encrypted, whose private half is a secret", async () => {
        expect(await pulumi.isSecret(made.backup.privateKey)).toBe(true);
        expect(await pulumi.isSecret(made.backup.recipient)).toBe(false);
        const recipient = await new Promise<string>((resolve) => made.backup.recipient.apply(resolve));
        expect(recipient).toBe(publicKey("backup-key"));
        const key = made.resources.find((one) => one.type === "tls:index/privateKey:PrivateKey");
        expect(key?.inputs).toEqual({ algorithm: "ED25519" });
    });

    it("tells where its buckets are, before anything is made", () => {
        expect(made.backup.buckets).toEqual({
            shows: { name: "radio-example-prod-shows", region: "eu-central-1" },
            archive: { name: "radio-example-prod-archive", region: "eu-central-1" },
        });
        expect(made.backup.copies?.shows).toEqual({
            name: "radio-example-prod-shows-copy",
            region: "eu-west-1",
        });
        expect(made.backup.inventory()).toHaveLength(4);
    });

    it("puts no secret into any plain input", () => {
        const text = JSON.stringify(made.resources.map(({ inputs }) => inputs));
        expect(text).not.toContain("secret of");
        expect(text).not.toContain("private key of");
    });
});

describe("a backup without a second region", () => {
    it("has no copies, and no role for them", async () => {
        const { resources, backup } = await make({ copyRegion: undefined });
        expect(Object.keys(inputsOf(resources, "s3/bucket:Bucket"))).toEqual([
            "backup-shows",
            "backup-archive",
        ]);
        expect(resources.filter(({ type }) => /role|replication/i.test(type))).toEqual([]);
        expect(backup.copies).toBeUndefined();
    });
});
