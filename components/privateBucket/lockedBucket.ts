import * as s3 from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";

import { createPrivateBucket } from ".";
import type { LifecycleRule } from "./lifecycle";

export interface LockedBucketArgs {
    /** S3's name of the bucket. */
    bucketName: string;
    /** Amazon's region; the provider's unless given. */
    region?: string | undefined;
    /** Nobody but an administrator deletes or replaces a version before, in days. */
    lockDays: number;
    /** What becomes of its objects with age. */
    lifecycle: LifecycleRule[];
}

/**
 * A private bucket whose objects nobody can lose in a hurry: they are locked (governance) from the moment they are
 * written.
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
        const { bucket, versioning, shared } = createPrivateBucket(
            name,
            {
                bucketName: args.bucketName,
                region: args.region,
                objectLock: true,
                lifecycle: args.lifecycle,
            },
            this,
        );
        this.bucketName = args.bucketName;
        this.versioning = versioning;
        new s3.BucketObjectLockConfiguration(
            `${name}-lock`,
            {
                ...shared,
                rule: { defaultRetention: { mode: "GOVERNANCE", days: args.lockDays } },
            },
            { parent: this, dependsOn: versioning },
        );
        this.arn = pulumi.all([bucket.arn, versioning.versioningConfiguration]).apply(([arn]) => arn);
        this.registerOutputs({ arn: this.arn });
    }
}
