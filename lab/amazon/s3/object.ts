import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { doing } from "../errors";
import { tags } from "../inputs";
import { bucketArn } from "../names";
import { buckets, objectId, objects, type BucketRecord, type ObjectRecord } from "../records";
import { bucketOf, ofBucket } from "./aspect";
import { deleteObject, objectExists, putObject } from "./requests";

/* Single objects whose content the program gives. */

const maxKeyBytes = 1024;

const inputs = z.strictObject({
    ...ofBucket,
    key: z
        .string()
        .min(1, "expected this not to be an empty string")
        .refine((key) => Buffer.byteLength(key) <= maxKeyBytes, {
            error: `KeyTooLongError: Your key is too long: ${maxKeyBytes} bytes at most`,
        })
        // The real provider uploads to the cleaned key, and the state names another one.
        .refine((key) => !/^\.?\/|\/\//.test(key), {
            error: "the lab does not take keys that the provider would change: without / at the start, and without //",
        }),
    content: z.string(),
    contentType: z.string().optional(),
    tags: tags.optional(),
});
type Given = z.output<typeof inputs>;

async function put(bucket: BucketRecord, given: Given, urn: string): Promise<ObjectRecord> {
    const contentType = given.contentType ?? "application/octet-stream";
    const made = await putObject(bucket, { ...given, contentType });
    const { key } = given;
    const record = { urn, region: bucket.region, bucket: bucket.name, key, contentType, ...made };
    objects.put(objectId(record), record);
    return record;
}

function outputsOf(record: ObjectRecord) {
    const { contentType, etag, versionId = "" } = record;
    return {
        arn: `${bucketArn(record.bucket)}/${record.key}`,
        ...{ contentType, etag, versionId },
        ...{ serverSideEncryption: "AES256", storageClass: "STANDARD" },
    };
}

export const bucketObject = resourceKind({
    type: "aws:s3/bucketObjectv2:BucketObjectv2",
    inputs,
    fromProvider: ["region"],

    // As there, an object that has this key already gets a new version.
    create: (given, { urn }) =>
        doing(`uploading S3 Object (${given.key}) to Bucket (${given.bucket})`, () =>
            exclusively(async () => {
                const bucket = bucketOf(given.bucket, given.region, "S3: PutObject");
                const record = await put(bucket, given, urn);
                return { id: objectId(record), outputs: { ...outputsOf(record), tagsAll: given.tags ?? {} } };
            }),
        ),

    read: async ({ id, outputs }) => {
        const record = objects.get(id);
        const bucket = record && buckets.get(record.bucket);
        if (!bucket || !(await objectExists(bucket, record.key))) {
            return undefined;
        }
        return { ...outputs, ...outputsOf(record) };
    },

    update: (_existing, given, { urn }) =>
        doing(`uploading S3 Object (${given.key}) to Bucket (${given.bucket})`, () =>
            exclusively(async () => {
                const bucket = bucketOf(given.bucket, given.region, "S3: PutObject");
                return { ...outputsOf(await put(bucket, given, urn)), tagsAll: given.tags ?? {} };
            }),
        ),

    delete: ({ id, inputs: { bucket, key } }) =>
        doing(`deleting S3 Bucket (${bucket}) Object (${key})`, () => exclusively(() => removeObject(id))),
});

/** With all of its versions, as the real provider removes it. To be called within `exclusively`. */
export async function removeObject(id: string): Promise<void> {
    const record = objects.get(id);
    const bucket = record && buckets.get(record.bucket);
    if (bucket) {
        await deleteObject(bucket, record.key);
    }
    objects.remove(id);
}
