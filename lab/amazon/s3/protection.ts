import { z } from "zod";

import { AwsError } from "../compute/api";
import { oneOf, text } from "../compute/inputs";
import { aspectKind } from "./aspect";
import { backend } from "./backend";
import { ofBucket } from "./inputs";

/* What keeps objects from being lost: versions, locks, encryption. */

function refuse(operation: string, code: string, said: string, status = 409): never {
    throw new AwsError(`S3: ${operation}`, code, said, status);
}

export const bucketVersioning = aspectKind(
    "aws:s3/bucketVersioning:BucketVersioning",
    z.strictObject({
        ...ofBucket,
        versioningConfiguration: z.strictObject({
            status: oneOf(["Enabled", "Suspended", "Disabled"]),
            mfaDelete: z.literal("Disabled", { error: "the lab has no devices for MFA" }).optional(),
        }),
    }),
    {
        operation: "PutBucketVersioning",
        async put(bucket, { versioningConfiguration: { status } }) {
            if (bucket.objectLock && status !== "Enabled") {
                refuse(
                    "PutBucketVersioning",
                    "InvalidBucketState",
                    "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
                );
            }
            if (status === "Disabled") {
                if (bucket.versioning !== "Disabled") {
                    throw new Error(
                        `versioning_configuration.status cannot be updated from '${bucket.versioning}' to 'Disabled'`,
                    );
                }
                return {};
            }
            await backend().setVersioning(bucket, status);
            return { versioning: status };
        },
        async remove(bucket) {
            // As the real provider: versions stay, and a bucket with locks keeps making them.
            if (bucket.objectLock || bucket.versioning !== "Enabled") {
                return {};
            }
            await backend().setVersioning(bucket, "Suspended");
            return { versioning: "Suspended" };
        },
        isPresent: () => true,
    },
);

/** Most that a lock may last by default. */
const most = { days: 36_500, years: 100 };

function period(unit: "days" | "years") {
    return z
        .int()
        .min(1, "Default retention period must be a positive integer value.")
        .max(most[unit], `Default retention period is too large: ${most[unit]} ${unit} at most.`)
        .optional();
}

export const bucketObjectLockConfiguration = aspectKind(
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    z.strictObject({
        ...ofBucket,
        objectLockEnabled: oneOf(["Enabled"]).default("Enabled"),
        rule: z
            .strictObject({
                defaultRetention: z
                    .strictObject({
                        mode: oneOf(["COMPLIANCE", "GOVERNANCE"]),
                        days: period("days"),
                        years: period("years"),
                    })
                    .refine(({ days, years }) => (days === undefined) !== (years === undefined), {
                        error: "MalformedXML: one of days and years is needed, and not both",
                    }),
            })
            .optional(),
    }),
    {
        operation: "PutObjectLockConfiguration",
        async put(bucket, { rule }) {
            if (bucket.versioning !== "Enabled") {
                refuse(
                    "PutObjectLockConfiguration",
                    "InvalidBucketState",
                    "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
                );
            }
            await backend().setRetention(bucket, rule?.defaultRetention);
            return { objectLock: true, retention: rule?.defaultRetention };
        },
        async remove(bucket) {
            await backend().setRetention(bucket, undefined);
            return { retention: undefined };
        },
        isPresent: ({ objectLock }) => objectLock,
    },
    ["token"],
);

export const bucketServerSideEncryptionConfiguration = aspectKind(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    z.strictObject({
        ...ofBucket,
        rules: z
            .array(
                z.strictObject({
                    applyServerSideEncryptionByDefault: z
                        .strictObject({
                            sseAlgorithm: oneOf(["AES256", "aws:kms", "aws:kms:dsse"]),
                            kmsMasterKeyId: text.optional(),
                        })
                        .refine(
                            ({ sseAlgorithm, kmsMasterKeyId }) =>
                                sseAlgorithm !== "AES256" || kmsMasterKeyId === undefined,
                            {
                                error: "InvalidArgument: a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
                            },
                        )
                        .optional(),
                    bucketKeyEnabled: z.boolean().optional(),
                    blockedEncryptionTypes: z.array(oneOf(["NONE", "SSE-C"])).optional(),
                }),
            )
            .length(1, "MalformedXML: one rule, neither less nor more"),
    }),
    {
        operation: "PutBucketEncryption",
        put: async (_bucket, { rules }) => ({ encryption: rules }),
        remove: async () => ({ encryption: undefined }),
        isPresent: ({ encryption }) => encryption !== undefined,
    },
);
