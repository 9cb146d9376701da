import { findSession } from "./keys";
import { accountOf } from "./names";
import { evaluate, type Verdict } from "./permissions";
import { instances, rolePolicies, roles } from "./records";

/* Who asks Amazon for something, and what is permitted: the same for the daemon's APIs and for S3. */

/** An instance, by the role that its profile gives it. */
export interface InstanceCaller {
    kind: "instance";
    accountId: string;
    role: string;
    instance: string;
}

/** The operator may do all, an instance what its role permits. */
export type Caller = { kind: "operator"; accountId: string } | InstanceCaller;

export function callerArn(caller: Caller): string {
    return caller.kind === "operator"
        ? `arn:aws:iam::${caller.accountId}:root`
        : `arn:aws:sts::${caller.accountId}:assumed-role/${caller.role}/${caller.instance}`;
}

/** The instance that holds a key with its session token, and the key's secret; or why there is none. */
export function instanceBehind(
    accessKeyId: string,
    token: string,
): { secret: string; who: InstanceCaller } | "unknown-key" | "expired-token" {
    const session = findSession(accessKeyId, token);
    const role = session && roles.get(session.role);
    // Keys end with their instance.
    if (!session || !role || !instances.get(session.instance)) {
        return "unknown-key";
    }
    if (session.expires < Date.now()) {
        return "expired-token";
    }
    const accountId = accountOf(role.arn);
    return {
        secret: session.secret,
        who: { kind: "instance", accountId, role: session.role, instance: session.instance },
    };
}

/**
 * What the policies of an instance's role say to an action on a resource, an ARN or `*`.
 *
 * @param conditions what policies may ask about besides who calls and where, by key in lower case.
 */
export function verdictOn(
    caller: InstanceCaller,
    region: string,
    { action, resource }: { action: string; resource: string },
    conditions: Readonly<Record<string, string>> = {},
): Verdict {
    const policies = rolePolicies
        .all()
        .filter(({ owner }) => owner === caller.role)
        .map(({ policy }) => policy);
    return evaluate(policies, {
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
}
