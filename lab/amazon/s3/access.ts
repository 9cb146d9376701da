import { z } from "zod";

import { AwsError } from "../compute/api";
import { oneOf } from "../compute/inputs";
import { isPublic, list, policyDocument, statementsOf, type Statement } from "../policy";
import { aspectKind } from "./aspect";
import { backend } from "./backend";
import { bucketArn } from "./cloud";
import { ofBucket } from "./inputs";

/* Who may reach a bucket at all. */

const maxPolicyBytes = 20 * 1024;

export const bucketPublicAccessBlock = aspectKind(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    z.strictObject({
        ...ofBucket,
        blockPublicAcls: z.boolean().default(false),
        blockPublicPolicy: z.boolean().default(false),
        ignorePublicAcls: z.boolean().default(false),
        restrictPublicBuckets: z.boolean().default(false),
        skipDestroy: z.boolean().default(false),
    }),
    {
        operation: "PutPublicAccessBlock",
        async put(_bucket, given) {
            const { blockPublicAcls, blockPublicPolicy, ignorePublicAcls, restrictPublicBuckets } = given;
            return {
                publicAccessBlock: {
                    blockPublicAcls,
                    blockPublicPolicy,
                    ignorePublicAcls,
                    restrictPublicBuckets,
                },
            };
        },
        remove: async (_bucket, { skipDestroy }) => (skipDestroy ? {} : { publicAccessBlock: undefined }),
        isPresent: ({ publicAccessBlock }) => publicAccessBlock !== undefined,
    },
);

export const bucketOwnershipControls = aspectKind(
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    z.strictObject({
        ...ofBucket,
        rule: z.strictObject({
            objectOwnership: oneOf(["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]),
        }),
    }),
    {
        operation: "PutBucketOwnershipControls",
        async put(bucket, { rule: { objectOwnership } }) {
            await backend().setOwnership(bucket, objectOwnership);
            return { ownership: objectOwnership };
        },
        // New buckets have this one.
        async remove(bucket) {
            await backend().setOwnership(bucket, "BucketOwnerEnforced");
            return { ownership: "BucketOwnerEnforced" };
        },
        isPresent: () => true,
    },
);

function refuse(code: string, said: string, status = 400): never {
    throw new AwsError("S3: PutBucketPolicy", code, said, status);
}

function isOfBucket(resource: string, bucket: string): boolean {
    return resource === bucketArn(bucket) || resource.startsWith(`${bucketArn(bucket)}/`);
}

function checkStatement(statement: Statement, bucket: string): void {
    const actions = [...list(statement.Action), ...list(statement.NotAction)];
    if (actions.some((action) => action !== "*" && !/^s3:/i.test(action))) {
        refuse("MalformedPolicy", "Policy has invalid action");
    }
    const resources = [...list(statement.Resource), ...list(statement.NotResource)];
    if (!resources.every((resource) => isOfBucket(resource, bucket))) {
        refuse("MalformedPolicy", "Policy has invalid resource");
    }
}

export const bucketPolicy = aspectKind(
    "aws:s3/bucketPolicy:BucketPolicy",
    z.strictObject({ ...ofBucket, policy: policyDocument("resource") }),
    {
        operation: "PutBucketPolicy",
        async put(bucket, { policy }) {
            if (Buffer.byteLength(policy) > maxPolicyBytes) {
                refuse(
                    "PolicyTooLarge",
                    "Normalized policy document exceeds the maximum allowed size of 20480 bytes",
                );
            }
            for (const statement of statementsOf(policy)) {
                checkStatement(statement, bucket.name);
            }
            if (bucket.publicAccessBlock?.blockPublicPolicy && isPublic(policy)) {
                refuse(
                    "AccessDenied",
                    `not authorized to perform: s3:PutBucketPolicy on resource: "${bucketArn(bucket.name)}" because ` +
                        "public policies are blocked by the BlockPublicPolicy block public access setting.",
                    403,
                );
            }
            await backend().setPolicy(bucket, policy);
            return { policy };
        },
        async remove(bucket) {
            await backend().setPolicy(bucket, undefined);
            return { policy: undefined };
        },
        isPresent: ({ policy }) => policy !== undefined,
        outputs: ({ policy }) => ({ policy }),
    },
);
