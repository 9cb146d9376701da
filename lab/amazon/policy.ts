import { z } from "zod";

/*
 * Policy documents: what IAM and S3 check of one before they take it. Their words, as far as they have any for the case;
 * both are brief about it.
 */

/** Where a document is attached, which decides what it must name. */
export type PolicyUse = "identity" | "resource" | "trust";

const words = z.union([z.string(), z.array(z.string()).min(1)]);
const principal = z.union([
    z.literal("*"),
    z.partialRecord(z.enum(["AWS", "CanonicalUser", "Federated", "Service"]), words),
]);
const conditionValue = z.union([z.string(), z.boolean(), z.number()]);
const condition = z.record(
    z.string(),
    z.record(z.string(), z.union([conditionValue, z.array(conditionValue)])),
);

const statement = z.strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: principal.optional(),
    NotPrincipal: principal.optional(),
    Action: words.optional(),
    NotAction: words.optional(),
    Resource: words.optional(),
    NotResource: words.optional(),
    Condition: condition.optional(),
});
export type Statement = z.infer<typeof statement>;

const document = z.strictObject({
    Id: z.string().optional(),
    Version: z.enum(["2012-10-17", "2008-10-17"]),
    Statement: z.union([statement, z.array(statement).min(1)]),
});

/** One or several, as a list. */
export function list<T>(value: T | readonly T[] | undefined): readonly T[] {
    return value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

/** The statements of a document that was checked. */
export function statementsOf(policy: string): readonly Statement[] {
    return list(document.parse(JSON.parse(policy)).Statement);
}

/** A document as the provider takes it, as text or as an object; it becomes JSON. */
export function policyDocument(use: PolicyUse) {
    return z
        .union([z.string(), z.record(z.string(), z.unknown())])
        .transform((given) => (typeof given === "string" ? given : JSON.stringify(given)))
        .superRefine((text, context) => {
            for (const message of problemsOf(text, use)) {
                context.addIssue({ code: "custom", message });
            }
        });
}

function problemsOf(text: string, use: PolicyUse): string[] {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return [`contains an invalid JSON policy: ${reason}`];
    }
    const parsed = document.safeParse(value);
    if (!parsed.success) {
        return parsed.error.issues.map(
            ({ path, message }) =>
                `MalformedPolicyDocument: Syntax errors in policy. (${path.join(".")}: ${message})`,
        );
    }
    return list(parsed.data.Statement).flatMap((one) =>
        statementProblems(one, use).map((problem) => `MalformedPolicyDocument: ${problem}`),
    );
}

function statementProblems(given: Statement, use: PolicyUse): string[] {
    const actions = [...list(given.Action), ...list(given.NotAction)];
    const resources = [...list(given.Resource), ...list(given.NotResource)];
    const named = given.Principal !== undefined || given.NotPrincipal !== undefined;
    const problems: [boolean, string][] = [
        [actions.length === 0, "Policy statement must contain actions."],
        [
            actions.some((action) => action !== "*" && !/^[a-z0-9-]+:[\w*?]+$/i.test(action)),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ],
        [use !== "trust" && resources.length === 0, "Policy statement must contain resources."],
        [use === "trust" && resources.length > 0, "Has prohibited field Resource"],
        [
            resources.some(
                (resource) => resource !== "*" && !/^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+/.test(resource),
            ),
            `Resource ${resources.join(", ")} must be in ARN format or "*".`,
        ],
        [use === "identity" && named, "Policy document should not specify a principal."],
        [use !== "identity" && !named, "Missing required field Principal"],
    ];
    return problems.flatMap(([wrong, message]) => (wrong ? [message] : []));
}

/** Length as the quotas count it: without white space. */
export function policyLength(policy: string): number {
    return policy.replace(/\s/g, "").length;
}

/** Whether it lets anybody in, without conditions: what a block of public policies refuses. */
export function isPublic(policy: string): boolean {
    return statementsOf(policy).some(({ Effect, Principal, Condition }) => {
        const everybody = Principal === "*" || list(Principal?.AWS).includes("*");
        return Effect === "Allow" && everybody && Condition === undefined;
    });
}
