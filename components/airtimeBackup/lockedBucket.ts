import * as s3 from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";

import type { BucketKind } from "../../model/bucketNames";
import { lifecycleRules, type Keeping } from "./lifecycle";
import { tlsOnlyPolicy } from "./policies";

export interface LockedBucketArgs {
    /** S3's name of the bucket. */
    bucketName: string;
    kind: BucketKind;
    /** Amazon's region; the provider's unless given. */
    region?: string | undefined;
    keeping: Keeping;
}

/**
 * A bucket whose objects nobody can lose in a hurry: versioned, locked (governance) from the moment they are written,
 * encrypted by S3, closed to the public, open over TLS only.
 *
 * The option `protect` holds for all of its parts, which inherit it: were the bucket alone protected, a `destroy` would
 * leave it behind without its locks.
 */
export class LockedBucket extends pulumi.ComponentResource {
    public readonly bucketName: string;
    /** Known only when the bucket holds versions: whoever needs them waits for it. */
    public readonly arn: pulumi.Output<string>;
    /** The bucket's versioning, which replication must come after. */
    public readonly versioning: s3.BucketVersioning;

    constructor(name: string, args: LockedBucketArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:LockedBucket", name, { bucketName: args.bucketName }, opts);
        const child = { parent: this };
        const region = args.region === undefined ? {} : { region: args.region };
        this.bucketName = args.bucketName;
        const made = new s3.Bucket(
            name,
            { ...region, bucket: args.bucketName, objectLockEnabled: true },
            child,
        );
        const shared = { ...region, bucket: made.bucket };

        new s3.BucketPublicAccessBlock(
            `${name}-closed`,
            {
                ...shared,
                blockPublicAcls: true,
                blockPublicPolicy: true,
                ignorePublicAcls: true,
                restrictPublicBuckets: true,
            },
            child,
        );
        new s3.BucketOwnershipControls(
            `${name}-owner`,
            { ...shared, rule: { objectOwnership: "BucketOwnerEnforced" } },
            child,
        );
        // S3's own keys: a key of ours in KMS would be one more thing to lose, and bucket keys are of use only there.
        new s3.BucketServerSideEncryptionConfiguration(
            `${name}-encryption`,
            { ...shared, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
            child,
        );
        this.versioning = new s3.BucketVersioning(
            `${name}-versions`,
            { ...shared, versioningConfiguration: { status: "Enabled" } },
            child,
        );
        const versioned = { ...child, dependsOn: this.versioning };
        new s3.BucketObjectLockConfiguration(
            `${name}-lock`,
            {
                ...shared,
                rule: { defaultRetention: { mode: "GOVERNANCE", days: args.keeping.lockDays } },
            },
            versioned,
        );
        new s3.BucketLifecycleConfiguration(
            `${name}-lifecycle`,
            { ...shared, rules: lifecycleRules(args.kind, args.keeping) },
            versioned,
        );
        new s3.BucketPolicy(
            `${name}-policy`,
            { ...shared, policy: JSON.stringify(tlsOnlyPolicy(args.bucketName)) },
            child,
        );
        this.arn = pulumi.all([made.arn, this.versioning.versioningConfiguration]).apply(([arn]) => arn);
        this.registerOutputs({ arn: this.arn });
    }
}
