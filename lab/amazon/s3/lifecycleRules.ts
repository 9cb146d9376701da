import { z } from "zod";

import { oneOf, text } from "../compute/inputs";
import { storageClasses } from "./inputs";

/* The form of lifecycle rules, and what S3 checks of them beyond it, in its words as far as they are known. */

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

/** A rule's form. */
export const lifecycleRule = z.strictObject({
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

export type LifecycleRule = z.infer<typeof lifecycleRule>;

export interface RuleProblem {
    path: (string | number)[];
    message: string;
}

interface Step {
    days: number;
    storageClass: (typeof storageClasses)[number];
}

/** Classes that S3 moves nothing to before it is this old, in days; and from which nothing moves on sooner. */
const leastDays = 30;
const infrequent: readonly string[] = ["STANDARD_IA", "ONEZONE_IA"];

export function checkRules(rules: readonly LifecycleRule[]): RuleProblem[] {
    const ids = rules.map(({ id }) => id);
    return rules.flatMap((rule, index) => [
        ...(ids.indexOf(rule.id) < index
            ? [
                  {
                      path: [index, "id"],
                      message: `Rule ID must be unique. Found same ID for more than one rule (${rule.id})`,
                  },
              ]
            : []),
        ...checkRule(rule).map(({ path, message }) => ({ path: [index, ...path], message })),
    ]);
}

function checkRule(rule: LifecycleRule): RuleProblem[] {
    const { expiration, transitions = [], noncurrentVersionTransitions = [] } = rule;
    const problems: RuleProblem[] = [];
    const refuse = (path: string[], message: string): void => void problems.push({ path, message });

    const actions = [
        expiration,
        rule.noncurrentVersionExpiration,
        rule.abortIncompleteMultipartUpload,
        ...transitions,
        ...noncurrentVersionTransitions,
    ];
    if (actions.every((action) => action === undefined)) {
        refuse([], "At least one action needs to be specified in a rule");
    }
    const tagged = rule.filter?.tag !== undefined || rule.filter?.and?.tags !== undefined;
    if (tagged && rule.abortIncompleteMultipartUpload !== undefined) {
        refuse(
            ["abortIncompleteMultipartUpload"],
            "AbortIncompleteMultipartUpload cannot be specified with Tags",
        );
    }
    if (tagged && expiration?.expiredObjectDeleteMarker) {
        refuse(["expiration"], "ExpiredObjectDeleteMarker cannot be specified with Tags");
    }
    if (expiration !== undefined) {
        const given = [expiration.days, expiration.date, expiration.expiredObjectDeleteMarker || undefined];
        if (given.filter((value) => value !== undefined).length !== 1) {
            refuse(["expiration"], "one of days, date and expiredObjectDeleteMarker is needed, and not more");
        }
    }
    transitions.forEach(({ days, date }, index) => {
        if ((days === undefined) === (date === undefined)) {
            refuse([`transitions[${index}]`], "one of days and date is needed, and not both");
        }
    });
    problems.push(
        ...checkSteps(
            transitions.flatMap(({ days, storageClass }) =>
                days === undefined ? [] : [{ days, storageClass }],
            ),
            expiration?.days,
            { property: "transitions", days: "Days", transition: "Transition", expiration: "Expiration" },
        ),
        ...checkSteps(
            noncurrentVersionTransitions.map(({ noncurrentDays: days, storageClass }) => ({
                days,
                storageClass,
            })),
            rule.noncurrentVersionExpiration?.noncurrentDays,
            {
                property: "noncurrentVersionTransitions",
                days: "NoncurrentDays",
                transition: "NoncurrentVersionTransition",
                expiration: "NoncurrentVersionExpiration",
            },
        ),
    );
    return problems;
}

interface Words {
    property: string;
    days: string;
    transition: string;
    expiration: string;
}

function checkSteps(given: readonly Step[], expirationDays: number | undefined, words: Words): RuleProblem[] {
    const problems: string[] = [];
    const steps = [...given].sort((one, other) => one.days - other.days);
    const { days, transition, expiration } = words;
    for (const [index, step] of steps.entries()) {
        const { storageClass } = step;
        if (infrequent.includes(storageClass) && step.days < leastDays) {
            problems.push(
                `'${days}' in ${transition} action must be greater than or equal to ${leastDays} for storageClass '${storageClass}'`,
            );
        }
        const next = steps[index + 1];
        if (next) {
            problems.push(...checkOrder(step, next, words));
        }
        if (expirationDays !== undefined && expirationDays <= step.days) {
            problems.push(
                `'${days}' in the ${expiration} action must be greater than '${days}' in the ${transition} action for StorageClass '${storageClass}'`,
            );
        }
    }
    return problems.map((message) => ({ path: [words.property], message }));
}

function checkOrder(step: Step, next: Step, { days, transition }: Words): string[] {
    const order = storageClasses.indexOf(next.storageClass) - storageClasses.indexOf(step.storageClass);
    if (order === 0) {
        return [
            `StorageClass '${step.storageClass}' must be different for ${transition} actions in same 'Rule'`,
        ];
    }
    if (order < 0) {
        return [
            `'${days}' in the ${transition} action for StorageClass '${next.storageClass}' must be less than ` +
                `'${days}' in the ${transition} action for StorageClass '${step.storageClass}': ` +
                `objects move in the order ${storageClasses.join(", ")}`,
        ];
    }
    const apart = infrequent.includes(step.storageClass) ? leastDays : 1;
    return next.days - step.days < apart
        ? [
              `'${days}' in the ${transition} action for StorageClass '${next.storageClass}' must be ${apart} days ` +
                  `more than '${days}' in the ${transition} action for StorageClass '${step.storageClass}'`,
          ]
        : [];
}
