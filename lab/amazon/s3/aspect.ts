import type { z } from "zod";

import { anyKind, type ResourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import type { AsInTheSdk, InputDifferences, OutputDifferences, SdkType, State } from "../../cloud/sdk";
import { doing, refuse } from "../errors";
import { region } from "../inputs";
import { buckets, type BucketRecord } from "../records";
import { bucketName } from "./bucket";

/** @throws as S3 does, when there is no such bucket, or not in that region. */
export function bucketOf(name: string, place: string, operation: string): BucketRecord {
    const record = buckets.get(name);
    if (!record) {
        return refuse(operation, "NoSuchBucket", "The specified bucket does not exist", 404);
    }
    if (record.region !== place) {
        const said =
            "The bucket you are attempting to access must be addressed using the specified endpoint. " +
            `Please send all future requests to this endpoint: ${name}.s3.${record.region}.amazonaws.com`;
        refuse(operation, "PermanentRedirect", said, 301);
    }
    return record;
}

/** What names the bucket that something is set on. */
export const ofBucket = { bucket: bucketName, region };

interface OfBucket {
    bucket: string;
    region: string;
}

/** Refuses in the name of the aspect's operation. */
type Refuse = (code: string, said: string, status?: number) => never;

/** Something that is set on a bucket as a whole; who sets it again replaces it. Its id is the bucket's name. */
interface Aspect<Type extends SdkType, Schema extends z.ZodObject, Given, Outputs extends object> {
    type: Type & AsInTheSdk<InputDifferences<Type, Schema> | OutputDifferences<Type, Outputs>>;
    /** What sets it, for example `PutBucketVersioning`. */
    operation: string;
    inputs: Schema;
    secretOutputs?: readonly (keyof State<Type> & string)[];
    /** Checks, does, and returns what is recorded. */
    put(bucket: BucketRecord, given: Given, refuse: Refuse): Promise<Partial<BucketRecord>>;
    /** Takes it off. */
    remove(bucket: BucketRecord): Promise<Partial<BucketRecord>>;
    /** Whether a bucket has it; all have when absent. */
    isPresent?(bucket: BucketRecord): boolean;
    /** Outputs that are not as they were given. */
    outputs?(bucket: BucketRecord): Outputs;
}

type AspectInputs = z.ZodObject<{ bucket: typeof bucketName; region: z.ZodType<string> }>;

/** A kind that is an aspect of a bucket. */
export function aspectKind<
    Type extends SdkType,
    Schema extends AspectInputs,
    Outputs extends object = Record<never, never>,
>(aspect: Aspect<Type, Schema, z.output<Schema> & OfBucket, Outputs>): ResourceKind {
    const { type, inputs, secretOutputs } = aspect;
    const [, kind = ""] = /:(\w+)$/.exec(type) ?? [];
    const operation = `S3: ${aspect.operation}`;
    const put = (given: z.output<Schema> & OfBucket): Promise<object> =>
        doing(`creating S3 ${kind} (${given.bucket})`, () =>
            exclusively(async () => {
                const before = bucketOf(given.bucket, given.region, operation);
                const changes = await aspect.put(before, given, (...refusal) =>
                    refuse(operation, ...refusal),
                );
                const after = { ...before, ...changes };
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
            const isPresent = bucket && (aspect.isPresent?.(bucket) ?? true);
            return isPresent ? { ...outputs, ...aspect.outputs?.(bucket) } : undefined;
        },
        update: (_existing, given) => put(given),
        delete: ({ id }) =>
            exclusively(async () => {
                const bucket = buckets.get(id);
                if (bucket) {
                    buckets.put(id, { ...bucket, ...(await aspect.remove(bucket)) });
                }
            }),
    });
}

/** An aspect that nobody here carries out: it is checked, and recorded as it was given. */
export function recordedKind<Type extends SdkType, Schema extends AspectInputs>(
    field: "encryption" | "lifecycle" | "publicAccessBlock" | "replication",
    aspect: Pick<
        Aspect<Type, Schema, never, Record<never, never>>,
        "type" | "operation" | "inputs" | "secretOutputs"
    > & {
        check?(bucket: BucketRecord, given: z.output<Schema> & OfBucket, refuse: Refuse): void;
    },
): ResourceKind {
    return aspectKind<Type, Schema>({
        ...aspect,
        async put(bucket, given, refuse) {
            aspect.check?.(bucket, given, refuse);
            return { [field]: given };
        },
        remove: async () => ({ [field]: undefined }),
        isPresent: (bucket) => bucket[field] !== undefined,
    });
}
