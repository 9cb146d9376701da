import { list, statementsOf, type Statement } from "./policy";

/*
 * What identity policies permit: an explicit Deny wins, then an Allow is needed. What this does not understand is an
 * error, so that nothing is allowed by mistake.
 */

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
    // All are read, whatever the first ones say: a mistake shows at once.
    const fitting = policies.flatMap(statementsOf).filter((one) => applies(one, question));
    if (fitting.some(({ Effect }) => Effect === "Deny")) {
        return "explicit-deny";
    }
    return fitting.length > 0 ? "allow" : "implicit-deny";
}

function applies(one: Statement, { action, resource, context }: Question): boolean {
    if (one.Principal !== undefined || one.NotPrincipal !== undefined) {
        throw new Error("an identity's policy does not name principals");
    }
    const conditions = Object.entries(one.Condition ?? {}).flatMap(([operator, keys]) =>
        Object.entries(keys).map(([key, values]) =>
            condition(operator, context[key.toLowerCase()], list(values).map(String)),
        ),
    );
    const isNamed = (patterns: Statement["Action"]): boolean =>
        list(patterns).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()));
    const isMeant = (patterns: Statement["Resource"]): boolean =>
        list(patterns).some((pattern) => matches(pattern, resource));
    return (
        (one.Action ? isNamed(one.Action) : one.NotAction !== undefined && !isNamed(one.NotAction)) &&
        (one.Resource ? isMeant(one.Resource) : one.NotResource !== undefined && !isMeant(one.NotResource)) &&
        conditions.every(Boolean)
    );
}

function condition(operator: string, value: string | undefined, wanted: string[]): boolean {
    switch (operator) {
        case "StringEquals":
        case "ArnEquals":
        case "Bool":
            return value !== undefined && wanted.includes(value);
        case "StringNotEquals":
            return value === undefined || !wanted.includes(value);
        case "StringLike":
        case "ArnLike":
            return value !== undefined && wanted.some((pattern) => matches(pattern, value));
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
