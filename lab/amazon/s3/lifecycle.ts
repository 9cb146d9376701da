import { z } from "zod";

import { oneOf, text } from "../inputs";
import { ofBucket, recordedKind } from "./aspect";

/*
 * When objects move to cheaper classes, and when they go. Nothing here grows so old: it is checked, as far as the forms
 * that the station uses, in S3's words as far as they are known.
 */

/** Classes that objects move to by age, from the dearest to the cheapest: a rule goes down this list only. */
export const storageClasses = [
    ...(["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA"] as const),
    ...(["GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"] as const),
] as const;
type StorageClass = (typeof storageClasses)[number];

/** Classes that S3 moves nothing to before it is this old, in days; and from which nothing moves on sooner. */
const leastDays = 30;
const isInfrequent = (one: StorageClass): boolean => one === "STANDARD_IA" || one === "ONEZONE_IA";

const positive = z.int().min(1, "must be a positive integer");

const lifecycleRule = z.strictObject({
    id: text.max(255),
    status: oneOf(["Enabled", "Disabled"]),
    filter: z.strictObject({ prefix: z.string().optional() }).optional(),
    expiration: z
        .strictObject({ days: positive.optional(), expiredObjectDeleteMarker: z.boolean().optional() })
        .refine(
            ({ days, expiredObjectDeleteMarker = false }) =>
                (days === undefined) === expiredObjectDeleteMarker,
            {
                error: "one of days and expiredObjectDeleteMarker is needed, and not both",
            },
        )
        .optional(),
    transitions: z
        .array(z.strictObject({ days: z.int().min(0), storageClass: oneOf(storageClasses) }))
        .default([]),
    noncurrentVersionExpiration: z.strictObject({ noncurrentDays: positive }).optional(),
    abortIncompleteMultipartUpload: z.strictObject({ daysAfterInitiation: positive }).optional(),
});
type LifecycleRule = z.output<typeof lifecycleRule>;

/** What S3 refuses of a rule beyond its form. */
function ruleProblems(rule: LifecycleRule): string[] {
    const { expiration, transitions, noncurrentVersionExpiration, abortIncompleteMultipartUpload } = rule;
    const actions = [...transitions, expiration, noncurrentVersionExpiration, abortIncompleteMultipartUpload];
    if (actions.every((action) => action === undefined)) {
        return ["At least one action needs to be specified in a rule"];
    }
    const steps = [...transitions].sort((one, other) => one.days - other.days);
    return steps.flatMap((step, index) => {
        const { days, storageClass } = step;
        const problems: string[] = [];
        if (isInfrequent(storageClass) && days < leastDays) {
            problems.push(
                `'Days' in Transition action must be greater than or equal to ${leastDays} for storageClass '${storageClass}'`,
            );
        }
        const next = steps[index + 1];
        const order = next && orderProblem(step, next);
        if (order !== undefined) {
            problems.push(order);
        }
        if (expiration?.days !== undefined && expiration.days <= days) {
            problems.push(
                `'Days' in the Expiration action must be greater than 'Days' in the Transition action for StorageClass '${storageClass}'`,
            );
        }
        return problems;
    });
}

type Step = LifecycleRule["transitions"][number];

function orderProblem(step: Step, next: Step): string | undefined {
    const daysOf = ({ storageClass }: Step): string =>
        `'Days' in the Transition action for StorageClass '${storageClass}'`;
    const order = storageClasses.indexOf(next.storageClass) - storageClasses.indexOf(step.storageClass);
    if (order === 0) {
        return `StorageClass '${step.storageClass}' must be different for Transition actions in same 'Rule'`;
    }
    if (order < 0) {
        return `${daysOf(next)} must be less than ${daysOf(step)}: objects move in the order ${storageClasses.join(", ")}`;
    }
    const apart = isInfrequent(step.storageClass) ? leastDays : 1;
    return next.days - step.days < apart
        ? `${daysOf(next)} must be ${apart} days more than ${daysOf(step)}`
        : undefined;
}

export const bucketLifecycleConfiguration = recordedKind("lifecycle", {
    type: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    operation: "PutBucketLifecycleConfiguration",
    inputs: z.strictObject({
        ...ofBucket,
        rules: z
            .array(lifecycleRule)
            .min(1, "at least one rule is needed")
            .max(1000, "1000 rules at most")
            .superRefine((rules, context) => {
                const ids = rules.map(({ id }) => id);
                for (const [index, rule] of rules.entries()) {
                    if (ids.indexOf(rule.id) < index) {
                        const message = `Rule ID must be unique. Found same ID for more than one rule (${rule.id})`;
                        context.addIssue({ code: "custom", path: [index, "id"], message });
                    }
                    for (const message of ruleProblems(rule)) {
                        context.addIssue({ code: "custom", path: [index], message });
                    }
                }
            }),
    }),
});
