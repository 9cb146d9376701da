import { z } from "zod";

import { Records } from "../../cloud/records";
import { AwsError } from "../compute/api";

/* What the lab's S3 holds besides objects: one record a bucket, with all that is set on it. */

const retention = z.object({
    mode: z.enum(["COMPLIANCE", "GOVERNANCE"]),
    days: z.number().optional(),
    years: z.number().optional(),
});
export type Retention = z.infer<typeof retention>;

const publicAccessBlock = z.object({
    blockPublicAcls: z.boolean(),
    blockPublicPolicy: z.boolean(),
    ignorePublicAcls: z.boolean(),
    restrictPublicBuckets: z.boolean(),
});

const bucketRecord = z.object({
    /** Where it comes from: the URN in the stack. */
    urn: z.string(),
    name: z.string(),
    region: z.string(),
    createdAt: z.string(),
    /** No state knows it, but there are objects in it: the next program that wants it takes it over. */
    orphan: z.boolean().default(false),
    versioning: z.enum(["Disabled", "Enabled", "Suspended"]),
    objectLock: z.boolean(),
    retention: retention.optional(),
    ownership: z.string().default("BucketOwnerEnforced"),
    publicAccessBlock: publicAccessBlock.optional(),
    /** The policy document as JSON. */
    policy: z.string().optional(),
    // What nobody here carries out, as the program gave it.
    encryption: z.unknown().optional(),
    lifecycle: z.unknown().optional(),
    replication: z.unknown().optional(),
});
export type BucketRecord = z.infer<typeof bucketRecord>;

/** By name. */
export const buckets = new Records("aws-bucket", bucketRecord);

export function bucketArn(name: string): string {
    return `arn:aws:s3:::${name}`;
}

/** @throws as S3 does, when there is no such bucket, or not in that region. */
export function bucketOf(name: string, region: string, operation: string): BucketRecord {
    const record = buckets.get(name);
    if (!record) {
        throw new AwsError(`S3: ${operation}`, "NoSuchBucket", "The specified bucket does not exist", 404);
    }
    if (record.region !== region) {
        const said =
            "The bucket you are attempting to access must be addressed using the specified endpoint. " +
            `Please send all future requests to this endpoint: ${name}.s3.${record.region}.amazonaws.com`;
        throw new AwsError(`S3: ${operation}`, "PermanentRedirect", said, 301);
    }
    return record;
}
