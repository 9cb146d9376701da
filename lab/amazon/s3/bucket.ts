import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { AwsError, doing, refuse } from "../errors";
import { region, tags } from "../inputs";
import { bucketArn } from "../names";
import { buckets, objects, type BucketRecord } from "../records";
import { bucketExists, createBucket, deleteBucket, emptyBucket } from "./requests";

/** As the real provider checks it before anything is made, and S3 after: `InvalidBucketName`. */
export const bucketName = z.string().superRefine((name, context) => {
    const rules: [boolean, string][] = [
        [name.length < 3 || name.length > 63, `"${name}" must contain from 3 to 63 characters`],
        [
            !/^[0-9a-z.-]*$/.test(name),
            `only lowercase alphanumeric characters and hyphens allowed in "${name}"`,
        ],
        [/^[.-]|[.-]$/.test(name), `"${name}" must begin and end with a letter or number`],
        [name.includes(".."), `"${name}" cannot contain two consecutive periods`],
        [/^\d{1,3}(\.\d{1,3}){3}$/.test(name), `"${name}" must not be formatted as an IP address`],
        [
            /^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name),
            `"${name}" has a prefix or suffix that S3 keeps for itself`,
        ],
    ];
    for (const [broken, message] of rules) {
        if (broken) {
            context.addIssue({ code: "custom", message: `InvalidBucketName: ${message}` });
        }
    }
});

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
                    ...{ urn, name: given.bucket, region: given.region, orphan: false },
                    createdAt: new Date().toISOString(),
                    versioning: given.objectLockEnabled ? "Enabled" : "Disabled",
                    objectLock: given.objectLockEnabled,
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
        const present = record !== undefined && (await bucketExists(record));
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
        const said =
            "The requested bucket name is not available. The bucket namespace is shared by all users of the " +
            "system. Please select a different name and try again.";
        refuse("S3: CreateBucket", "BucketAlreadyExists", said, 409);
    }
    buckets.put(record.name, record);
    await createBucket(record).catch((error: unknown) => {
        buckets.remove(record.name);
        throw error;
    });
}

async function removeBucket(name: string, withObjects: boolean): Promise<void> {
    const record = buckets.get(name);
    if (record) {
        if (withObjects) {
            await emptyBucket(record);
        }
        await deleteBucket(record);
        buckets.remove(name);
        for (const id of objects.ids().filter((one) => one.startsWith(`${name}/`))) {
            objects.remove(id);
        }
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
