import { z } from "zod";

import { arn, oneOf, text } from "../inputs";
import { bucketArn } from "../names";
import { buckets } from "../records";
import { ofBucket, recordedKind } from "./aspect";
import { storageClasses } from "./lifecycle";

/* Copies in another bucket. The lab's server makes none: it is checked, and recorded. */

const onOff = oneOf(["Enabled", "Disabled"]);

const rule = z.strictObject({
    id: text.max(255).optional(),
    status: onOff,
    priority: z.int().min(0).optional(),
    filter: z.strictObject({ prefix: z.string().optional() }).optional(),
    deleteMarkerReplication: z.strictObject({ status: onOff }).optional(),
    destination: z.strictObject({
        bucket: arn("s3"),
        storageClass: oneOf(["STANDARD", ...storageClasses]).optional(),
    }),
});

export const bucketReplicationConfig = recordedKind("replication", {
    type: "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    operation: "PutBucketReplication",
    inputs: z.strictObject({
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
    secretOutputs: ["token"],

    check(source, { rules }, refuse) {
        const refuseIf = (wrong: boolean, said: string): void => {
            if (wrong) {
                refuse("InvalidRequest", said);
            }
        };
        refuseIf(
            source.versioning !== "Enabled",
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        );
        for (const { filter, priority, deleteMarkerReplication, destination } of rules) {
            const filtered = filter !== undefined;
            const of = "must be specified for this version of Cross Region Replication configuration schema.";
            refuseIf(filtered && deleteMarkerReplication === undefined, `DeleteMarkerReplication ${of}`);
            refuseIf(filtered && priority === undefined, `Priority ${of}`);
            const itself = destination.bucket === bucketArn(source.name);
            refuseIf(itself, "Destination bucket cannot be the same as the source bucket.");
            const target = buckets.all().find(({ name }) => bucketArn(name) === destination.bucket);
            refuseIf(!target, "Destination bucket must exist.");
            refuseIf(target?.versioning !== "Enabled", "Destination bucket must have versioning enabled.");
            refuseIf(
                source.objectLock && !target?.objectLock,
                "Destination bucket must have Object Lock enabled, as the source bucket has.",
            );
        }
    },
});
