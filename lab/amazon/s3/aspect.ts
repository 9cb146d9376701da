import type { z } from "zod";

import { anyKind, type ResourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import type { AsInTheSdk, InputDifferences, OutputDifferences, SdkType, State } from "../../cloud/sdk";
import { doing } from "../compute/api";
import { bucketOf, buckets, type BucketRecord } from "./cloud";
import type { bucketName, OfBucket } from "./inputs";

/** Something that is set on a bucket as a whole; who sets it again replaces it. Its id is the bucket's name. */
export interface Aspect<Given extends OfBucket, Outputs extends object> {
    /** For example `PutBucketVersioning`. */
    operation: string;
    /** Checks, does, and returns what is recorded. */
    put(bucket: BucketRecord, given: Given): Promise<Partial<BucketRecord>>;
    /** Takes it off. */
    remove(bucket: BucketRecord, given: Given): Promise<Partial<BucketRecord>>;
    isPresent(bucket: BucketRecord): boolean;
    /** Outputs that are not as they were given. */
    outputs?(bucket: BucketRecord): Outputs;
}

type AspectInputs = z.ZodObject<{ bucket: typeof bucketName; region: z.ZodType<string> }>;

/** A kind that is an aspect of a bucket. */
export function aspectKind<
    Type extends SdkType,
    Schema extends AspectInputs,
    Outputs extends object = Record<never, never>,
>(
    type: Type & AsInTheSdk<InputDifferences<Type, Schema> | OutputDifferences<Type, Outputs>>,
    inputs: Schema,
    aspect: Aspect<z.output<Schema> & OfBucket, Outputs>,
    secretOutputs: readonly (keyof State<Type> & string)[] = [],
): ResourceKind {
    type Given = z.output<Schema> & OfBucket;
    const [, kindName = ""] = /:(\w+)$/.exec(type) ?? [];
    const put = (given: Given) =>
        doing(`creating S3 ${kindName} (${given.bucket})`, () =>
            exclusively(async () => {
                const before = bucketOf(given.bucket, given.region, aspect.operation);
                const after = { ...before, ...(await aspect.put(before, given)) };
                buckets.put(before.name, after);
                return aspect.outputs?.(after) ?? {};
            }),
        );
    return anyKind<Type, Schema, object, object, object>({
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
