import { z } from "zod";

import { refuse } from "../errors";
import { oneOf, tags, text } from "../inputs";
import { amazonKind } from "../kind";
import { budgets } from "../records";

const notification = z
    .strictObject({
        comparisonOperator: oneOf(["GREATER_THAN", "LESS_THAN", "EQUAL_TO"]),
        notificationType: oneOf(["ACTUAL", "FORECASTED"]),
        threshold: z.number().positive(),
        thresholdType: oneOf(["PERCENTAGE", "ABSOLUTE_VALUE"]),
        subscriberEmailAddresses: z
            .array(z.string().regex(/^[^@\s]+@[^@\s]+$/, "expected an address of e-mail"))
            .optional(),
    })
    .refine(
        ({ subscriberEmailAddresses = [] }) => subscriberEmailAddresses.length > 0,
        "Notification must have at least one subscriber",
    );

/** What the account may cost before somebody gets a mail. The lab's costs nothing: it is checked and recorded. */
export const budget = amazonKind({
    type: "aws:budgets/budget:Budget",
    title: "Budget",
    inputs: z.strictObject({
        name: z
            .string()
            .min(1)
            .max(100)
            .regex(/^[^:\\]+$/, 'the : and \\ characters, and the "/action/" substring, are not allowed')
            .optional(),
        budgetType: z.literal("COST", { error: "the lab knows budgets of cost" }),
        limitAmount: z
            .string()
            .regex(/^\d+(\.\d+)?$/, 'expected a number as a text, such as "5.0"')
            .refine((value) => Number(value) > 0, "expected an amount above 0"),
        limitUnit: text,
        timeUnit: oneOf(["DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY"]),
        notifications: z.array(notification).max(5, "at most 5 notifications").optional(),
        tags: tags.optional(),
    }),
    sets: ["notifications"],
    records: budgets,
    idOf: ({ id }) => id,

    make(given, { urn, name: logicalName, account }) {
        const name = given.name ?? logicalName;
        const id = `${account}:${name}`;
        if (budgets.get(id)) {
            const said = `Error creating budget: ${name} - the budget already exists.`;
            refuse("Budgets: CreateBudget", "DuplicateRecordException", said);
        }
        return { urn, id, name };
    },

    outputs: ({ name }, _, account) => ({
        accountId: account,
        arn: `arn:aws:budgets::${account}:budget/${name}`,
        name,
    }),
});
