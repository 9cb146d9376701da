import { z } from "zod";

import { AwsError } from "../compute/api";
import { arn, oneOf, text } from "../compute/inputs";
import { aspectKind } from "./aspect";
import { bucketArn, buckets, type BucketRecord } from "./cloud";
import { ofBucket, storageClasses } from "./inputs";

/* Copies in another bucket. The lab's server makes none: it is checked, and recorded. */

const onOff = z.strictObject({ status: oneOf(["Enabled", "Disabled"]) });
const minutes = z.strictObject({ minutes: z.literal(15, { error: "15 is the only value that S3 takes" }) });

const rule = z.strictObject({
    id: text.max(255).optional(),
    status: oneOf(["Enabled", "Disabled"]),
    priority: z.int().min(0).optional(),
    filter: z
        .strictObject({
            prefix: z.string().optional(),
            tag: z.strictObject({ key: text, value: z.string() }).optional(),
            and: z
                .strictObject({
                    prefix: z.string().optional(),
                    tags: z.record(text, z.string()).optional(),
                })
                .optional(),
        })
        .optional(),
    deleteMarkerReplication: onOff.optional(),
    existingObjectReplication: onOff.optional(),
    sourceSelectionCriteria: z
        .strictObject({ replicaModifications: onOff.optional(), sseKmsEncryptedObjects: onOff.optional() })
        .optional(),
    destination: z.strictObject({
        bucket: arn("s3"),
        account: z.string().optional(),
        storageClass: oneOf(["STANDARD", ...storageClasses]).optional(),
        metrics: z
            .strictObject({ status: oneOf(["Enabled", "Disabled"]), eventThreshold: minutes.optional() })
            .optional(),
        replicationTime: z.strictObject({ status: oneOf(["Enabled", "Disabled"]), time: minutes }).optional(),
    }),
});
type ReplicationRule = z.infer<typeof rule>;

function refuse(said: string): never {
    throw new AwsError("S3: PutBucketReplication", "InvalidRequest", said);
}

function checkRule(
    source: BucketRecord,
    { filter, priority, deleteMarkerReplication, destination }: ReplicationRule,
): void {
    const of = "for this version of Cross Region Replication configuration schema.";
    if (filter !== undefined && deleteMarkerReplication === undefined) {
        refuse(`DeleteMarkerReplication must be specified ${of}`);
    }
    if (filter !== undefined && priority === undefined) {
        refuse(`Priority must be specified ${of}`);
    }
    const tagged = filter?.tag !== undefined || filter?.and?.tags !== undefined;
    if (tagged && deleteMarkerReplication?.status === "Enabled") {
        refuse("Delete marker replication is not supported if any Tag filter is specified.");
    }
    if (destination.bucket === bucketArn(source.name)) {
        refuse("Destination bucket cannot be the same as the source bucket.");
    }
    const target = buckets.all().find(({ name }) => bucketArn(name) === destination.bucket);
    if (!target) {
        refuse("Destination bucket must exist.");
    }
    if (target.versioning !== "Enabled") {
        refuse("Destination bucket must have versioning enabled.");
    }
    if (source.objectLock && !target.objectLock) {
        refuse("Destination bucket must have Object Lock enabled, as the source bucket has.");
    }
}

export const bucketReplicationConfig = aspectKind(
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    z.strictObject({
        ...ofBucket,
        role: arn("iam"),
        rules: z
            .array(rule)
            .min(1, "at least one rule is needed")
            .max(1000, "1000 rules at most")
            .superRefine((rules, context) => {
                const priorities = rules.flatMap(({ priority }) => priority ?? []);
                if (new Set(priorities).size < priorities.length) {
                    context.addIssue({ code: "custom", message: "Found duplicate priority in rules" });
                }
            }),
    }),
    {
        operation: "PutBucketReplication",
        async put(bucket, { role, rules }) {
            if (bucket.versioning !== "Enabled") {
                refuse("Versioning must be 'Enabled' on the bucket to apply a replication configuration");
            }
            for (const one of rules) {
                checkRule(bucket, one);
            }
            return { replication: { role, rules } };
        },
        remove: async () => ({ replication: undefined }),
        isPresent: ({ replication }) => replication !== undefined,
    },
    ["token"],
);
