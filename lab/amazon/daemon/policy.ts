import { z } from "zod";

/*
 * What identity policies permit: an explicit Deny wins, then an Allow is needed. What this does not understand is an
 * error, so that nothing is allowed by mistake.
 */

const words = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat());

const statement = z.strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Action: words.optional(),
    NotAction: words.optional(),
    Resource: words.optional(),
    NotResource: words.optional(),
    Condition: z.record(z.string(), z.record(z.string(), words)).optional(),
});
type Statement = z.output<typeof statement>;

const document = z.looseObject({
    Version: z.string().optional(),
    Statement: z.union([statement, z.array(statement)]).transform((given) => [given].flat()),
});

export interface Question {
    /** `ssm:GetParameter` */
    action: string;
    /** An ARN, or `*` where the action knows no resources. */
    resource: string;
    /** What conditions may ask about, by key in lower case. */
    context: Readonly<Record<string, string | undefined>>;
}

export type Verdict = "allow" | "explicit-deny" | "implicit-deny";

/** What policies, as JSON, say to a question. @throws when one holds something that is not understood. */
export function evaluate(policies: readonly string[], question: Question): Verdict {
    const statements = policies.flatMap((policy) => document.parse(JSON.parse(policy)).Statement);
    // All are read, whatever the first ones say: a mistake shows at once.
    const fitting = statements.filter((one) => applies(one, question));
    if (fitting.some(({ Effect }) => Effect === "Deny")) {
        return "explicit-deny";
    }
    return fitting.length > 0 ? "allow" : "implicit-deny";
}

function applies(one: Statement, { action, resource, context }: Question): boolean {
    const conditions = Object.entries(one.Condition ?? {}).map(([operator, keys]) =>
        Object.entries(keys).every(([key, values]) =>
            condition(operator, context[key.toLowerCase()], values),
        ),
    );
    const named = (patterns: string[]): boolean =>
        patterns.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()));
    const meant = (patterns: string[]): boolean => patterns.some((pattern) => matches(pattern, resource));
    return (
        (one.Action ? named(one.Action) : one.NotAction !== undefined && !named(one.NotAction)) &&
        (one.Resource ? meant(one.Resource) : one.NotResource !== undefined && !meant(one.NotResource)) &&
        conditions.every(Boolean)
    );
}

function condition(operator: string, value: string | undefined, wanted: string[]): boolean {
    switch (operator) {
        case "StringEquals":
        case "ArnEquals":
            return value !== undefined && wanted.includes(value);
        case "StringNotEquals":
            return value === undefined || !wanted.includes(value);
        case "StringLike":
        case "ArnLike":
            return value !== undefined && wanted.some((pattern) => matches(pattern, value));
        case "Bool":
            return value !== undefined && wanted.includes(value);
        default:
            throw new Error(`the lab does not know the condition operator ${operator}`);
    }
}

/** `*` is any text, `?` any character. */
export function matches(pattern: string, text: string): boolean {
    if (pattern.includes("${")) {
        throw new Error(`the lab knows no variables in policies, as in ${pattern}`);
    }
    const expression = pattern
        .replace(/[.+^$(){}|[\]\\]/g, "\\$&")
        .replaceAll("*", "[^]*")
        .replaceAll("?", "[^]");
    return new RegExp(`^${expression}$`).test(text);
}
