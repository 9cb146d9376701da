import * as s3 from "@pulumi/aws/s3";
import type * as pulumi from "@pulumi/pulumi";

import type { LifecycleRule } from "./lifecycle";
import { tlsOnlyPolicy } from "./policies";

export interface PrivateBucketArgs {
    /** S3's name of the bucket. */
    bucketName: string;
    /** Amazon's region; the provider's unless given. */
    region?: string | undefined;
    /** Whether objects can be locked; it cannot be changed later. Default: false. */
    objectLock?: boolean;
    /** Whether the bucket goes with all that is in it. Default: false, it is removed only when it is empty. */
    forceDestroy?: boolean;
    /** What becomes of its objects with age. */
    lifecycle: LifecycleRule[];
}

export interface PrivateBucket {
    bucket: s3.Bucket;
    /** Objects that are made before it have no versions. */
    versioning: s3.BucketVersioning;
    /** What settings of the bucket share. */
    shared: { bucket: pulumi.Output<string>; region?: string };
}

/**
 * How every bucket of the station is made: with versions, encrypted by S3, closed to the public, open over TLS only.
 * All of it are children of `parent`.
 */
export function createPrivateBucket(
    name: string,
    args: PrivateBucketArgs,
    parent: pulumi.Resource,
): PrivateBucket {
    const child = { parent };
    const region = args.region === undefined ? {} : { region: args.region };
    const bucket = new s3.Bucket(
        name,
        {
            ...region,
            bucket: args.bucketName,
            ...(args.objectLock && { objectLockEnabled: true }),
            ...(args.forceDestroy && { forceDestroy: true }),
        },
        child,
    );
    const shared = { ...region, bucket: bucket.bucket };

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
    const versioning = new s3.BucketVersioning(
        `${name}-versions`,
        { ...shared, versioningConfiguration: { status: "Enabled" } },
        child,
    );
    new s3.BucketLifecycleConfiguration(
        `${name}-lifecycle`,
        { ...shared, rules: args.lifecycle },
        { ...child, dependsOn: versioning },
    );
    new s3.BucketPolicy(
        `${name}-policy`,
        { ...shared, policy: JSON.stringify(tlsOnlyPolicy(args.bucketName)) },
        child,
    );
    return { bucket, versioning, shared };
}
