import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { AwsError, doing } from "../compute/api";
import { between, tags } from "../compute/inputs";
import { policyDocument, policyLength } from "../policy";
import { instanceProfiles, rolePolicies, roles } from "./cloud";
import { iamArn, iamName, path, uniqueId } from "./inputs";

/* Roles, which the lab's other services of Amazon's read from the records. */

/** In characters: of who may take a role, and of all its inline policies together. */
const maxTrustLength = 2048;
const maxPolicyLength = 10_240;

function refuse(operation: string, code: string, said: string, status = 409): never {
    throw new AwsError(`IAM: ${operation}`, code, said, status);
}

function mustExist(role: string, operation: string): void {
    if (!roles.get(role)) {
        refuse(operation, "NoSuchEntity", `The role with name ${role} cannot be found.`, 404);
    }
}

function checkTrust(policy: string, operation: string): void {
    if (policyLength(policy) > maxTrustLength) {
        refuse(operation, "LimitExceeded", `Cannot exceed quota for ACLSizePerRole: ${maxTrustLength}`);
    }
}

export const role = resourceKind({
    type: "aws:iam/role:Role",
    inputs: z.strictObject({
        name: iamName(64),
        path,
        assumeRolePolicy: policyDocument("trust"),
        description: z.string().max(1000).default(""),
        forceDetachPolicies: z.boolean().default(false),
        maxSessionDuration: between(3600, 43200).default(3600),
        tags: tags.optional(),
    }),

    create: (given, context) =>
        doing(`creating IAM Role (${given.name})`, () =>
            exclusively(async () => {
                const { name, assumeRolePolicy } = given;
                if (roles.ids().some((other) => other.toLowerCase() === name.toLowerCase())) {
                    refuse("CreateRole", "EntityAlreadyExists", `Role with name ${name} already exists.`);
                }
                checkTrust(assumeRolePolicy, "CreateRole");
                const arn = iamArn(context, "role", given);
                const createdAt = new Date().toISOString();
                roles.put(name, { urn: context.urn, name, arn, assumeRolePolicy, createdAt });
                return {
                    id: name,
                    outputs: {
                        arn,
                        createDate: createdAt,
                        tagsAll: given.tags ?? {},
                        uniqueId: uniqueId("AROA"),
                    },
                };
            }),
        ),

    read: async ({ id, outputs }) => {
        const record = roles.get(id);
        return record && { ...outputs, assumeRolePolicy: record.assumeRolePolicy };
    },

    update: ({ id }, given) =>
        doing(`updating IAM Role (${id})`, () =>
            exclusively(async () => {
                mustExist(id, "UpdateRole");
                checkTrust(given.assumeRolePolicy, "UpdateAssumeRolePolicy");
                const record = roles.get(id);
                if (record) {
                    roles.put(id, { ...record, assumeRolePolicy: given.assumeRolePolicy });
                }
                return { tagsAll: given.tags ?? {} };
            }),
        ),

    delete: ({ id }) =>
        doing(`deleting IAM Role (${id})`, () =>
            exclusively(async () => {
                if (instanceProfiles.all().some((profile) => profile.role === id)) {
                    refuse(
                        "DeleteRole",
                        "DeleteConflict",
                        "Cannot delete entity, must remove roles from instance profile first.",
                    );
                }
                if (rolePolicies.all().some((policy) => policy.role === id)) {
                    refuse(
                        "DeleteRole",
                        "DeleteConflict",
                        "Cannot delete entity, must delete policies first.",
                    );
                }
                roles.remove(id);
            }),
        ),
});

export const rolePolicy = resourceKind({
    type: "aws:iam/rolePolicy:RolePolicy",
    // A role is named by its name or its id, which are the same.
    inputs: z.strictObject({ name: iamName(128), role: iamName(64), policy: policyDocument("identity") }),

    create: (given, { urn }) =>
        putting(given.name, async () => ({ id: putRolePolicy(given, urn), outputs: {} })),

    read: async ({ id }) => {
        const record = rolePolicies.get(id);
        return record && { policy: record.policy };
    },

    update: (_existing, given, { urn }) =>
        putting(given.name, async () => {
            putRolePolicy(given, urn);
            return {};
        }),

    delete: async ({ id }) => rolePolicies.remove(id),
});

function putting<T>(name: string, body: () => Promise<T>): Promise<T> {
    return doing(`putting IAM Role Policy (${name})`, () => exclusively(body));
}

function putRolePolicy(given: { name: string; role: string; policy: string }, urn: string): string {
    const { name, role: owner, policy } = given;
    mustExist(owner, "PutRolePolicy");
    const id = `${owner}:${name}`;
    const others = rolePolicies.all().filter((record) => record.role === owner && record.id !== id);
    const length = [policy, ...others.map((record) => record.policy)]
        .map(policyLength)
        .reduce((sum, one) => sum + one, 0);
    if (length > maxPolicyLength) {
        const said = `Maximum policy size of ${maxPolicyLength} bytes exceeded for role ${owner}`;
        refuse("PutRolePolicy", "LimitExceeded", said);
    }
    rolePolicies.put(id, { urn, id, role: owner, name, policy });
    return id;
}

export const instanceProfile = resourceKind({
    type: "aws:iam/instanceProfile:InstanceProfile",
    inputs: z.strictObject({ name: iamName(128), path, role: iamName(64).optional(), tags: tags.optional() }),

    create: (given, context) =>
        doing(`creating IAM Instance Profile (${given.name})`, () =>
            exclusively(async () => {
                const { name } = given;
                if (instanceProfiles.get(name)) {
                    const said = `Instance Profile ${name} already exists.`;
                    refuse("CreateInstanceProfile", "EntityAlreadyExists", said);
                }
                if (given.role !== undefined) {
                    mustExist(given.role, "AddRoleToInstanceProfile");
                }
                const arn = iamArn(context, "instance-profile", given);
                const createdAt = new Date().toISOString();
                instanceProfiles.put(name, { urn: context.urn, name, arn, role: given.role, createdAt });
                return {
                    id: name,
                    outputs: {
                        arn,
                        createDate: createdAt,
                        tagsAll: given.tags ?? {},
                        uniqueId: uniqueId("AIPA"),
                    },
                };
            }),
        ),

    read: async ({ id, outputs }) => {
        const record = instanceProfiles.get(id);
        return record && { ...outputs, role: record.role };
    },

    update: ({ id }, given) =>
        doing(`updating IAM Instance Profile (${id})`, () =>
            exclusively(async () => {
                const record = instanceProfiles.get(id);
                if (!record) {
                    const said = `Instance Profile ${id} cannot be found.`;
                    return refuse("GetInstanceProfile", "NoSuchEntity", said, 404);
                }
                if (given.role !== undefined) {
                    mustExist(given.role, "AddRoleToInstanceProfile");
                }
                instanceProfiles.put(id, { ...record, role: given.role });
                return { tagsAll: given.tags ?? {} };
            }),
        ),

    delete: async ({ id }) => instanceProfiles.remove(id),
});
