import type { z } from "zod";

import { resourceKind, type Properties, type ResourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { doing } from "../compute/api";
import { bucketOf, buckets, type BucketRecord } from "./cloud";
import type { bucketName, OfBucket } from "./inputs";

/** Something that is set on a bucket as a whole; who sets it again replaces it. Its id is the bucket's name. */
export interface Aspect<Given extends OfBucket> {
    /** For example `PutBucketVersioning`. */
    operation: string;
    /** Checks, does, and returns what is recorded. */
    put(bucket: BucketRecord, given: Given): Promise<Partial<BucketRecord>>;
    /** Takes it off. */
    remove(bucket: BucketRecord, given: Given): Promise<Partial<BucketRecord>>;
    isPresent(bucket: BucketRecord): boolean;
    /** Outputs that are not as they were given. */
    outputs?(bucket: BucketRecord): Properties;
}

type AspectInputs = z.ZodObject<{ bucket: typeof bucketName; region: z.ZodType<string> }>;

/** A kind that is an aspect of a bucket. */
export function aspectKind<Schema extends AspectInputs>(
    type: string,
    inputs: Schema,
    aspect: Aspect<z.output<Schema> & OfBucket>,
    secretOutputs: readonly string[] = [],
): ResourceKind {
    type Given = z.output<Schema> & OfBucket;
    const [, kindName = ""] = /:(\w+)$/.exec(type) ?? [];
    const put = (given: Given): Promise<Properties> =>
        doing(`creating S3 ${kindName} (${given.bucket})`, () =>
            exclusively(async () => {
                const before = bucketOf(given.bucket, given.region, aspect.operation);
                const after = { ...before, ...(await aspect.put(before, given)) };
                buckets.put(before.name, after);
                return aspect.outputs?.(after) ?? {};
            }),
        );
    return resourceKind({
        type,
        inputs,
        fromProvider: ["region"],
        secretOutputs,
        create: async (given) => ({ id: given.bucket, outputs: await put(given) }),
        read: async ({ id, outputs }) => {
            const bucket = buckets.get(id);
            return bucket && aspect.isPresent(bucket)
                ? { ...outputs, ...aspect.outputs?.(bucket) }
                : undefined;
        },
        update: (_existing, given) => put(given),
        delete: ({ id, inputs: given }) =>
            exclusively(async () => {
                const bucket = buckets.get(id);
                if (bucket) {
                    buckets.put(id, { ...bucket, ...(await aspect.remove(bucket, given)) });
                }
            }),
    });
}
