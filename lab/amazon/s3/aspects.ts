import { z } from "zod";

import { oneOf } from "../inputs";
import { bucketArn } from "../names";
import { isPublic, list, policyDocument, statementsOf } from "../policy";
import { aspectKind, ofBucket, recordedKind } from "./aspect";
import { setOwnership, setPolicy, setRetention, setVersioning } from "./requests";

/* Who may reach a bucket at all, and what keeps its objects from being lost: versions, locks, encryption. */

export const bucketPublicAccessBlock = recordedKind("publicAccessBlock", {
    type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    operation: "PutPublicAccessBlock",
    inputs: z.strictObject({
        ...ofBucket,
        blockPublicAcls: z.boolean().default(false),
        blockPublicPolicy: z.boolean().default(false),
        ignorePublicAcls: z.boolean().default(false),
        restrictPublicBuckets: z.boolean().default(false),
    }),
});

export const bucketOwnershipControls = aspectKind({
    type: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    operation: "PutBucketOwnershipControls",
    inputs: z.strictObject({
        ...ofBucket,
        rule: z.strictObject({
            objectOwnership: oneOf(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]),
        }),
    }),
    async put(bucket, { rule: { objectOwnership } }) {
        await setOwnership(bucket, objectOwnership);
        return {};
    },
    // New buckets have this one.
    async remove(bucket) {
        await setOwnership(bucket, "BucketOwnerEnforced");
        return {};
    },
});

const maxPolicyBytes = 20 * 1024;

export const bucketPolicy = aspectKind({
    type: "aws:s3/bucketPolicy:BucketPolicy",
    operation: "PutBucketPolicy",
    inputs: z.strictObject({ ...ofBucket, policy: policyDocument("resource") }),

    async put(bucket, { policy }, refuse) {
        if (Buffer.byteLength(policy) > maxPolicyBytes) {
            const said = `Normalized policy document exceeds the maximum allowed size of ${maxPolicyBytes} bytes`;
            refuse("PolicyTooLarge", said);
        }
        const own = bucketArn(bucket.name);
        for (const { Action, NotAction, Resource, NotResource } of statementsOf(policy)) {
            const actions = [...list(Action), ...list(NotAction)];
            if (actions.some((action) => action !== "*" && !/^s3:/i.test(action))) {
                refuse("MalformedPolicy", "Policy has invalid action");
            }
            const resources = [...list(Resource), ...list(NotResource)];
            if (!resources.every((one) => one === own || one.startsWith(`${own}/`))) {
                refuse("MalformedPolicy", "Policy has invalid resource");
            }
        }
        if (bucket.publicAccessBlock?.blockPublicPolicy && isPublic(policy)) {
            const said =
                `not authorized to perform: s3:PutBucketPolicy on resource: "${own}" because ` +
                "public policies are blocked by the BlockPublicPolicy block public access setting.";
            refuse("AccessDenied", said, 403);
        }
        await setPolicy(bucket, policy);
        return { policy };
    },
    async remove(bucket) {
        await setPolicy(bucket, undefined);
        return { policy: undefined };
    },
    isPresent: ({ policy }) => policy !== undefined,
    outputs: ({ policy }) => ({ policy }),
});

export const bucketVersioning = aspectKind({
    type: "aws:s3/bucketVersioning:BucketVersioning",
    operation: "PutBucketVersioning",
    inputs: z.strictObject({
        ...ofBucket,
        versioningConfiguration: z.strictObject({ status: oneOf(["Enabled", "Suspended"]) }),
    }),

    async put(bucket, { versioningConfiguration: { status } }, refuse) {
        if (bucket.objectLock && status !== "Enabled") {
            const said =
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.";
            refuse("InvalidBucketState", said, 409);
        }
        await setVersioning(bucket, status);
        return { versioning: status };
    },
    async remove(bucket) {
        // As the real provider: versions stay, and a bucket with locks keeps making them.
        if (bucket.objectLock || bucket.versioning !== "Enabled") {
            return {};
        }
        await setVersioning(bucket, "Suspended");
        return { versioning: "Suspended" };
    },
});

/** How long a lock lasts by default, and the most that this may be. */
function period(unit: "days" | "years", most: number) {
    return z
        .int()
        .min(1, "Default retention period must be a positive integer value.")
        .max(most, `Default retention period is too large: ${most} ${unit} at most.`)
        .optional();
}

export const bucketObjectLockConfiguration = aspectKind({
    type: "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    operation: "PutObjectLockConfiguration",
    inputs: z.strictObject({
        ...ofBucket,
        objectLockEnabled: oneOf(["Enabled"]).default("Enabled"),
        rule: z
            .strictObject({
                defaultRetention: z
                    .strictObject({
                        mode: oneOf(["COMPLIANCE", "GOVERNANCE"]),
                        days: period("days", 36_500),
                        years: period("years", 100),
                    })
                    .refine(({ days, years }) => (days === undefined) !== (years === undefined), {
                        error: "MalformedXML: one of days and years is needed, and not both",
                    }),
            })
            .optional(),
    }),
    secretOutputs: ["token"],

    async put(bucket, { rule }, refuse) {
        if (bucket.versioning !== "Enabled") {
            const said = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
            refuse("InvalidBucketState", said, 409);
        }
        await setRetention(bucket, rule?.defaultRetention);
        return { objectLock: true, retention: rule?.defaultRetention };
    },
    async remove(bucket) {
        await setRetention(bucket, undefined);
        return { retention: undefined };
    },
    isPresent: ({ objectLock }) => objectLock,
});

export const bucketServerSideEncryptionConfiguration = recordedKind("encryption", {
    type: "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    operation: "PutBucketEncryption",
    inputs: z.strictObject({
        ...ofBucket,
        rules: z
            .array(
                z.strictObject({
                    applyServerSideEncryptionByDefault: z.strictObject({ sseAlgorithm: oneOf(["AES256"]) }),
                }),
            )
            .length(1, "MalformedXML: one rule, neither less nor more"),
    }),
});
