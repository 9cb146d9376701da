import { z } from "zod";

import { oneOf, text } from "../compute/inputs";
import { aspectKind } from "./aspect";
import { ofBucket, storageClasses } from "./inputs";
import { checkRules } from "./lifecycleRules";

/* When objects move to cheaper classes, and when they go. Nothing here grows so old: it is checked, and recorded. */

const positive = z.int().min(1, "must be a positive integer");
const date = z.iso.datetime({ error: "must be an RFC 3339 time, such as 2027-01-01T00:00:00Z" });
const size = z.int().min(0);
const tag = z.strictObject({ key: text, value: z.string() });

const filter = z
    .strictObject({
        prefix: z.string().optional(),
        tag: tag.optional(),
        objectSizeGreaterThan: size.optional(),
        objectSizeLessThan: size.optional(),
        and: z
            .strictObject({
                prefix: z.string().optional(),
                tags: z.record(text, z.string()).optional(),
                objectSizeGreaterThan: size.optional(),
                objectSizeLessThan: size.optional(),
            })
            .optional(),
    })
    .refine((given) => Object.values(given).filter((value) => value !== undefined).length <= 1, {
        error: "Only one of these can be specified: and, objectSizeGreaterThan, objectSizeLessThan, prefix, tag",
    });

const rule = z.strictObject({
    id: text.max(255),
    status: oneOf(["Enabled", "Disabled"]),
    filter: filter.optional(),
    expiration: z
        .strictObject({
            days: positive.optional(),
            date: date.optional(),
            expiredObjectDeleteMarker: z.boolean().optional(),
        })
        .optional(),
    transitions: z
        .array(
            z.strictObject({
                days: z.int().min(0).optional(),
                date: date.optional(),
                storageClass: oneOf(storageClasses),
            }),
        )
        .optional(),
    noncurrentVersionExpiration: z
        .strictObject({ noncurrentDays: positive, newerNoncurrentVersions: positive.max(100).optional() })
        .optional(),
    noncurrentVersionTransitions: z
        .array(
            z.strictObject({
                noncurrentDays: z.int().min(0),
                newerNoncurrentVersions: positive.max(100).optional(),
                storageClass: oneOf(storageClasses),
            }),
        )
        .optional(),
    abortIncompleteMultipartUpload: z.strictObject({ daysAfterInitiation: positive }).optional(),
});
export type LifecycleRule = z.infer<typeof rule>;

export const bucketLifecycleConfiguration = aspectKind(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    z.strictObject({
        ...ofBucket,
        rules: z
            .array(rule)
            .min(1, "at least one rule is needed")
            .max(1000, "1000 rules at most")
            .superRefine((rules, context) => {
                for (const { path, message } of checkRules(rules)) {
                    context.addIssue({ code: "custom", path, message });
                }
            }),
        transitionDefaultMinimumObjectSize: oneOf([
            "all_storage_classes_128K",
            "varies_by_storage_class",
        ]).default("all_storage_classes_128K"),
    }),
    {
        operation: "PutBucketLifecycleConfiguration",
        put: async (_bucket, { rules }) => ({ lifecycle: rules }),
        remove: async () => ({ lifecycle: undefined }),
        isPresent: ({ lifecycle }) => lifecycle !== undefined,
    },
);
