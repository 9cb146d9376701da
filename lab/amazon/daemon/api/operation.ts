import { rolePolicies, roles } from "../../records";
import { evaluate } from "../permissions";

/** Who calls: the operator, who may do all, or an instance by its role. */
export type Caller =
    | { kind: "operator"; accountId: string }
    | { kind: "instance"; accountId: string; role: string; instance: string };

export interface Call {
    caller: Caller;
    region: string;
}

/** What an API refuses, by the code that clients know it by. */
export class ApiRefusal extends Error {
    constructor(
        readonly code: string,
        message: string,
        readonly status = 400,
    ) {
        super(message);
        this.name = "ApiRefusal";
    }
}

export function callerArn(caller: Caller): string {
    return caller.kind === "operator"
        ? `arn:aws:iam::${caller.accountId}:root`
        : `arn:aws:sts::${caller.accountId}:assumed-role/${caller.role}/${caller.instance}`;
}

/**
 * Refuses what the caller's role does not permit.
 *
 * @param conditions what policies may ask about besides who calls and where, by key in lower case.
 */
export function authorize(
    { caller, region }: Call,
    action: string,
    resource: string,
    conditions: Record<string, string> = {},
): void {
    if (caller.kind === "operator") {
        return;
    }
    const policies = rolePolicies
        .all()
        .filter(({ owner }) => owner === caller.role)
        .map(({ policy }) => policy);
    const verdict = evaluate(policies, {
        action,
        resource,
        context: {
            ...conditions,
            "aws:requestedregion": region,
            "aws:principalarn": roles.get(caller.role)?.arn,
            "aws:principalaccount": caller.accountId,
            "aws:securetransport": "true",
            "ec2:sourceinstancearn": `arn:aws:ec2:${region}:${caller.accountId}:instance/${caller.instance}`,
        },
    });
    if (verdict !== "allow") {
        const why =
            verdict === "explicit-deny"
                ? "with an explicit deny in an identity-based policy"
                : `because no identity-based policy allows the ${action} action`;
        const on = resource === "*" ? "" : ` on resource: ${resource}`;
        throw new ApiRefusal(
            "AccessDenied",
            `User: ${callerArn(caller)} is not authorized to perform: ${action}${on} ${why}`,
            403,
        );
    }
}
