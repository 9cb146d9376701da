import { callerArn, verdictOn, type Caller } from "../../callers";

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
    const verdict = verdictOn(caller, region, { action, resource }, conditions);
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
