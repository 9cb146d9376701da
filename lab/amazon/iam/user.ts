import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { AwsError, doing } from "../compute/api";
import { oneOf, tags } from "../compute/inputs";
import { policyDocument, policyLength } from "../policy";
import { backend } from "./backend";
import { accessKeys, userPolicies, users, type UserRecord } from "./cloud";
import { iamArn, iamName, path, uniqueId } from "./inputs";

/** All inline policies of a user together, in characters. */
const maxPolicyLength = 2048;

const maxKeys = 2;

function userOf(name: string, operation: string): UserRecord {
    const record = users.get(name);
    if (!record) {
        throw new AwsError(
            `IAM: ${operation}`,
            "NoSuchEntity",
            `The user with name ${name} cannot be found.`,
            404,
        );
    }
    return record;
}

export const user = resourceKind({
    type: "aws:iam/user:User",
    inputs: z.strictObject({
        name: iamName(64),
        path,
        forceDestroy: z.boolean().default(false),
        tags: tags.optional(),
    }),

    create: (given, context) =>
        doing(`creating IAM User (${given.name})`, () =>
            exclusively(async () => {
                const { name } = given;
                if (users.ids().some((other) => other.toLowerCase() === name.toLowerCase())) {
                    const said = `User with name ${name} already exists.`;
                    throw new AwsError("IAM: CreateUser", "EntityAlreadyExists", said, 409);
                }
                const arn = iamArn(context, "user", given);
                users.put(name, { urn: context.urn, name, arn, createdAt: new Date().toISOString() });
                await backend()
                    .createUser(name)
                    .catch((error: unknown) => {
                        users.remove(name);
                        throw error;
                    });
                return { id: name, outputs: { arn, tagsAll: given.tags ?? {}, uniqueId: uniqueId("AIDA") } };
            }),
        ),

    read: async ({ id, outputs }) => (users.get(id) ? outputs : undefined),

    update: async ({ id, inputs }, given) => {
        if (given.name !== inputs.name || given.path !== inputs.path) {
            throw new Error(`Amazon renames and moves users in place; the lab does not: keep ${id} as it is`);
        }
        return { tagsAll: given.tags ?? {} };
    },

    delete: ({ id, inputs }) =>
        doing(`deleting IAM User (${id})`, () =>
            exclusively(async () => {
                const keys = accessKeys.all().filter((key) => key.user === id);
                const policies = userPolicies.all().filter((policy) => policy.user === id);
                if (!inputs.forceDestroy && keys.length + policies.length > 0) {
                    const what = keys.length > 0 ? "access keys" : "policies";
                    const said = `Cannot delete entity, must delete ${what} first.`;
                    throw new AwsError("IAM: DeleteUser", "DeleteConflict", said, 409);
                }
                await removeUser(id);
            }),
        ),
});

/** With all of its keys and policies. */
export async function removeUser(name: string): Promise<void> {
    for (const { id } of accessKeys.all().filter((key) => key.user === name)) {
        await removeAccessKey(id);
    }
    for (const { id } of userPolicies.all().filter((policy) => policy.user === name)) {
        await removeUserPolicy(id);
    }
    await backend().removeUser(name);
    users.remove(name);
}

export const userPolicy = resourceKind({
    type: "aws:iam/userPolicy:UserPolicy",
    inputs: z.strictObject({ name: iamName(128), user: iamName(64), policy: policyDocument("identity") }),

    create: (given, { urn }) =>
        putting(given.name, async () => {
            const id = await putUserPolicy(given, urn);
            return { id, outputs: {} };
        }),

    read: async ({ id }) => {
        const record = userPolicies.get(id);
        return record && { policy: record.policy };
    },

    update: (_existing, given, { urn }) =>
        putting(given.name, async () => {
            await putUserPolicy(given, urn);
            return {};
        }),

    delete: ({ id }) => exclusively(() => removeUserPolicy(id)),
});

function putting<T>(name: string, body: () => Promise<T>): Promise<T> {
    return doing(`putting IAM User Policy (${name})`, () => exclusively(body));
}

async function putUserPolicy(
    { name, user: owner, policy }: { name: string; user: string; policy: string },
    urn: string,
): Promise<string> {
    userOf(owner, "PutUserPolicy");
    const id = `${owner}:${name}`;
    const others = userPolicies.all().filter((record) => record.user === owner && record.id !== id);
    const length = [policy, ...others.map((record) => record.policy)]
        .map(policyLength)
        .reduce((sum, one) => sum + one, 0);
    if (length > maxPolicyLength) {
        const said = `Maximum policy size of ${maxPolicyLength} bytes exceeded for user ${owner}`;
        throw new AwsError("IAM: PutUserPolicy", "LimitExceeded", said, 409);
    }
    await backend().putPolicy(owner, name, policy);
    userPolicies.put(id, { urn, id, user: owner, name, policy });
    return id;
}

export async function removeUserPolicy(id: string): Promise<void> {
    const record = userPolicies.get(id);
    if (record) {
        await backend().removePolicy(record.user, record.name);
        userPolicies.remove(id);
    }
}

export const accessKey = resourceKind({
    type: "aws:iam/accessKey:AccessKey",
    inputs: z.strictObject({ user: iamName(64), status: oneOf(["Active", "Inactive"]).default("Active") }),
    secretOutputs: ["secret", "sesSmtpPasswordV4"],

    create: ({ user: owner, status }, { urn }) =>
        doing(`creating IAM Access Key (${owner})`, () =>
            exclusively(async () => {
                userOf(owner, "CreateAccessKey");
                const known = accessKeys.all().flatMap((key) => (key.user === owner ? key.id : []));
                if (known.length >= maxKeys) {
                    const said = `Cannot exceed quota for AccessKeysPerUser: ${maxKeys}`;
                    throw new AwsError("IAM: CreateAccessKey", "LimitExceeded", said, 409);
                }
                const { id, secret, createdAt } = await backend().createKey(owner, known);
                accessKeys.put(id, { urn, id, user: owner, status, createdAt });
                if (status === "Inactive") {
                    await backend().setKeyStatus(owner, id, status);
                }
                return { id, outputs: { createDate: createdAt, secret } };
            }),
        ),

    read: async ({ id, outputs }) => {
        const record = accessKeys.get(id);
        return record && { ...outputs, status: record.status };
    },

    update: ({ id }, { user: owner, status }) =>
        doing(`updating IAM Access Key (${id})`, () =>
            exclusively(async () => {
                const record = accessKeys.get(id);
                if (!record) {
                    const said = `The Access Key with id ${id} cannot be found.`;
                    throw new AwsError("IAM: UpdateAccessKey", "NoSuchEntity", said, 404);
                }
                await backend().setKeyStatus(owner, id, status);
                accessKeys.put(id, { ...record, status });
                return {};
            }),
        ),

    delete: ({ id }) => exclusively(() => removeAccessKey(id)),
});

export async function removeAccessKey(id: string): Promise<void> {
    const record = accessKeys.get(id);
    if (record) {
        await backend().removeKey(record.user, id);
        accessKeys.remove(id);
    }
}
