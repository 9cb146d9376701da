import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { AwsError, doing } from "../compute/api";
import { region, tags } from "../compute/inputs";
import { backend } from "./backend";
import { bucketArn, buckets, type BucketRecord } from "./cloud";
import { bucketName } from "./inputs";

function outputsOf({ name, region: place }: BucketRecord) {
    return {
        arn: bucketArn(name),
        bucket: name,
        bucketDomainName: `${name}.s3.amazonaws.com`,
        bucketRegion: place,
        bucketRegionalDomainName: `${name}.s3.${place}.amazonaws.com`,
        region: place,
    };
}

export const bucket = resourceKind({
    type: "aws:s3/bucket:Bucket",
    inputs: z.strictObject({
        bucket: bucketName,
        region,
        forceDestroy: z.boolean().default(false),
        objectLockEnabled: z.boolean().default(false),
        tags: tags.optional(),
    }),
    fromProvider: ["region"],

    create: (given, { urn }) =>
        doing(`creating S3 Bucket (${given.bucket})`, () =>
            exclusively(async () => {
                const before = buckets.get(given.bucket);
                const record: BucketRecord = {
                    urn,
                    name: given.bucket,
                    region: given.region,
                    createdAt: new Date().toISOString(),
                    orphan: false,
                    versioning: given.objectLockEnabled ? "Enabled" : "Disabled",
                    objectLock: given.objectLockEnabled,
                    ownership: "BucketOwnerEnforced",
                };
                if (before !== undefined && isTakenOver(before, record)) {
                    buckets.put(before.name, { ...before, urn, orphan: false });
                } else {
                    await make(record, before);
                }
                return { id: record.name, outputs: { ...outputsOf(record), tagsAll: given.tags ?? {} } };
            }),
        ),

    read: async ({ id, outputs }) => {
        const record = buckets.get(id);
        const present = record !== undefined && (await backend().exists(record));
        return present ? { ...outputs, ...outputsOf(record) } : undefined;
    },

    update: async (_existing, given) => ({ tagsAll: given.tags ?? {} }),

    delete: ({ id, inputs }) =>
        doing(`deleting S3 Bucket (${id})`, () => exclusively(() => removeBucket(id, inputs.forceDestroy))),
});

/** Whether a bucket that an interrupted run has left, with objects in it, is the one that is wanted. */
function isTakenOver(before: BucketRecord, wanted: BucketRecord): boolean {
    return before.orphan && before.region === wanted.region && before.objectLock === wanted.objectLock;
}

async function make(record: BucketRecord, before: BucketRecord | undefined): Promise<void> {
    if (before !== undefined) {
        throw new AwsError(
            "S3: CreateBucket",
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the " +
                "system. Please select a different name and try again.",
            409,
        );
    }
    buckets.put(record.name, record);
    await backend()
        .createBucket(record)
        .catch((error: unknown) => {
            buckets.remove(record.name);
            throw error;
        });
}

async function removeBucket(name: string, withObjects: boolean): Promise<void> {
    const record = buckets.get(name);
    if (record) {
        if (withObjects) {
            await backend().emptyBucket(record);
        }
        await backend().deleteBucket(record);
        buckets.remove(name);
    }
}

/**
 * Removes the buckets that an interrupted run left; see `sweep`. One with objects stays, and is taken over by the next
 * program that makes it.
 */
export async function sweepBuckets(known: ReadonlySet<string>): Promise<void> {
    for (const record of buckets.all().filter(({ name }) => !known.has(`aws:s3/bucket:Bucket ${name}`))) {
        try {
            await removeBucket(record.name, false);
        } catch (error) {
            if (!(error instanceof AwsError) || error.code !== "BucketNotEmpty") {
                throw error;
            }
            console.warn(`The bucket ${record.name} belongs to no stack, but has objects: it stays.`);
            buckets.put(record.name, { ...record, orphan: true });
        }
    }
}
