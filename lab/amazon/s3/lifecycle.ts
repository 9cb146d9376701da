import { z } from "zod";

import { oneOf } from "../compute/inputs";
import { aspectKind } from "./aspect";
import { ofBucket } from "./inputs";
import { checkRules, lifecycleRule } from "./lifecycleRules";

/* When objects move to cheaper classes, and when they go. Nothing here grows so old: it is checked, and recorded. */

export const bucketLifecycleConfiguration = aspectKind(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    z.strictObject({
        ...ofBucket,
        rules: z
            .array(lifecycleRule)
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
