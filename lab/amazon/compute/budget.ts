import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { accountFor } from "../settings";
import { AwsError, doing } from "./api";
import { budgets } from "./cloud";
import { oneOf, tags, text } from "./inputs";

const amount = z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'expected a number as a text, such as "5.0"')
    .refine((value) => Number(value) > 0, "expected an amount above 0");

const notification = z
    .strictObject({
        comparisonOperator: oneOf(["GREATER_THAN", "LESS_THAN", "EQUAL_TO"]),
        notificationType: oneOf(["ACTUAL", "FORECASTED"]),
        threshold: z.number().positive(),
        thresholdType: oneOf(["PERCENTAGE", "ABSOLUTE_VALUE"]),
        subscriberEmailAddresses: z
            .array(z.string().regex(/^[^@\s]+@[^@\s]+$/, "expected an address of e-mail"))
            .optional(),
        subscriberSnsTopicArns: z.array(z.string()).optional(),
    })
    .refine(
        (one) => (one.subscriberEmailAddresses ?? []).length + (one.subscriberSnsTopicArns ?? []).length > 0,
        "Notification must have at least one subscriber",
    );

/** What the account may cost before somebody is told. The lab's costs nothing: it is checked and recorded. */
export const budget = resourceKind({
    type: "aws:budgets/budget:Budget",
    inputs: z.strictObject({
        name: z
            .string()
            .min(1)
            .max(100)
            .regex(/^[^:\\]+$/, 'the : and \\ characters, and the "/action/" substring, are not allowed')
            .optional(),
        budgetType: z.literal("COST", { error: "the lab knows budgets of cost" }),
        limitAmount: amount,
        limitUnit: text,
        timeUnit: oneOf(["DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY"]),
        timePeriodStart: z
            .string()
            .regex(/^\d{4}-\d\d-\d\d_\d\d:\d\d$/, "expected a time such as 2026-01-01_00:00")
            .optional(),
        costFilters: z.array(z.strictObject({ name: text, values: z.array(text).min(1) })).optional(),
        notifications: z.array(notification).max(5, "at most 5 notifications").optional(),
        tags: tags.optional(),
    }),
    sets: ["notifications", "costFilters"],

    create: (given, context) =>
        doing("creating Budget", async () => {
            const name = given.name ?? context.name;
            const account = accountFor(context);
            const id = `${account}:${name}`;
            if (budgets.get(id)) {
                throw new AwsError(
                    "Budgets: CreateBudget",
                    "DuplicateRecordException",
                    `Error creating budget: ${name} - the budget already exists.`,
                );
            }
            budgets.put(id, { urn: context.urn, id, name });
            const arn = `arn:aws:budgets::${account}:budget/${name}`;
            return { id, outputs: { accountId: account, arn, name, tagsAll: given.tags ?? {} } };
        }),

    read: async ({ id, outputs }) => (budgets.get(id) ? outputs : undefined),
    update: async (_, given) => ({ tagsAll: given.tags ?? {} }),
    delete: async ({ id }) => budgets.remove(id),
});
