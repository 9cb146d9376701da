import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { doing, refuse } from "../errors";
import { iamName, oneOf, tags } from "../inputs";
import { amazonKind } from "../kind";
import { uniqueId } from "../names";
import { accessKeys, userPolicies, users } from "../records";
import { createIdentity, createKey, removeIdentity, removeKey, setKeyStatus } from "./identities";
import { mustExist, removeUserPolicy } from "./inlinePolicy";

/* Users of the account, and their keys. */

const maxKeys = 2;

export const user = amazonKind({
    type: "aws:iam/user:User",
    title: "IAM User",
    inputs: z.strictObject({
        name: iamName(64),
        forceDestroy: z.boolean().default(false),
        tags: tags.optional(),
    }),
    records: users,
    idOf: ({ name }) => name,

    async make({ name }, { urn, account }) {
        if (users.ids().some((other) => other.toLowerCase() === name.toLowerCase())) {
            refuse("IAM: CreateUser", "EntityAlreadyExists", `User with name ${name} already exists.`, 409);
        }
        await createIdentity(name);
        const arn = `arn:aws:iam::${account}:user/${name}`;
        return { urn, name, arn, createdAt: new Date().toISOString() };
    },

    change(record, { name }) {
        if (name !== record.name) {
            throw new Error(`Amazon renames users in place; the lab does not: keep ${record.name} as it is`);
        }
        return record;
    },

    outputs: (record) => ({ arn: record.arn, uniqueId: uniqueId("AIDA", record) }),

    checkDelete(id, { forceDestroy }) {
        const hasKeys = accessKeys.all().some((key) => key.user === id);
        if (!forceDestroy && (hasKeys || userPolicies.all().some(({ owner }) => owner === id))) {
            const said = `Cannot delete entity, must delete ${hasKeys ? "access keys" : "policies"} first.`;
            refuse("IAM: DeleteUser", "DeleteConflict", said, 409);
        }
    },
    remove: (id) => exclusively(() => removeUser(id)),
});

/** With all of its keys and policies. To be called within `exclusively`, as those below. */
export async function removeUser(name: string): Promise<void> {
    for (const { id } of accessKeys.all().filter((key) => key.user === name)) {
        await removeAccessKey(id);
    }
    for (const { id } of userPolicies.all().filter(({ owner }) => owner === name)) {
        await removeUserPolicy(id);
    }
    await removeIdentity(name);
    users.remove(name);
}

export async function removeAccessKey(id: string): Promise<void> {
    const record = accessKeys.get(id);
    if (record) {
        await removeKey(record.user, id);
        accessKeys.remove(id);
    }
}

/** Its secret is in the state alone, and in the S3 server's own store: so it does not follow from the record. */
export const accessKey = resourceKind({
    type: "aws:iam/accessKey:AccessKey",
    inputs: z.strictObject({ user: iamName(64), status: oneOf(["Active", "Inactive"]).default("Active") }),
    secretOutputs: ["secret", "sesSmtpPasswordV4"],

    create: ({ user: owner, status }, { urn }) =>
        doing(`creating IAM Access Key (${owner})`, () =>
            exclusively(async () => {
                mustExist("User", owner, "CreateAccessKey");
                const known = accessKeys.all().flatMap((key) => (key.user === owner ? key.id : []));
                if (known.length >= maxKeys) {
                    const said = `Cannot exceed quota for AccessKeysPerUser: ${maxKeys}`;
                    refuse("IAM: CreateAccessKey", "LimitExceeded", said, 409);
                }
                const { id, secret, createdAt } = await createKey(owner, known);
                accessKeys.put(id, { urn, id, user: owner, status, createdAt });
                if (status === "Inactive") {
                    await setKeyStatus(owner, id, status);
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
                    return refuse("IAM: UpdateAccessKey", "NoSuchEntity", said, 404);
                }
                await setKeyStatus(owner, id, status);
                accessKeys.put(id, { ...record, status });
                return {};
            }),
        ),

    delete: ({ id }) => exclusively(() => removeAccessKey(id)),
});
