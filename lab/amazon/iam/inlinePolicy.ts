import { z } from "zod";

import { exclusively } from "../../cloud/records";
import { refuse } from "../errors";
import { iamName } from "../inputs";
import { amazonKind, type AmazonContext } from "../kind";
import { policyDocument, policyLength } from "../policy";
import { rolePolicies, roles, userPolicies, users, type InlinePolicyRecord } from "../records";
import { putIdentityPolicy, removeIdentityPolicy } from "./identities";

/* What a user or a role may do. */

type Word = "User" | "Role";

/** Most that all inline policies of one may have together, in characters. */
const maxLength = { User: 2048, Role: 10_240 };

/** @throws as IAM does, when there is no such user or role. */
export function mustExist(word: Word, name: string, action: string): void {
    if (!(word === "User" ? users : roles).get(name)) {
        const said = `The ${word.toLowerCase()} with name ${name} cannot be found.`;
        refuse(`IAM: ${action}`, "NoSuchEntity", said, 404);
    }
}

/** The policy as a record, when the owner has room for it. */
function admitted(
    word: Word,
    { name, owner, policy }: { name: string; owner: string; policy: string },
    { urn }: AmazonContext,
): InlinePolicyRecord {
    const action = `Put${word}Policy`;
    mustExist(word, owner, action);
    const id = `${owner}:${name}`;
    const others = (word === "User" ? userPolicies : rolePolicies)
        .all()
        .filter((other) => other.owner === owner && other.id !== id);
    const lengths = [policy, ...others.map((other) => other.policy)].map(policyLength);
    if (lengths.reduce((sum, one) => sum + one, 0) > maxLength[word]) {
        const said = `Maximum policy size of ${maxLength[word]} bytes exceeded for ${word.toLowerCase()} ${owner}`;
        refuse(`IAM: ${action}`, "LimitExceeded", said, 409);
    }
    return { urn, id, owner, name, policy };
}

const inputs = { name: iamName(128), policy: policyDocument("identity") };

export const rolePolicy = amazonKind({
    type: "aws:iam/rolePolicy:RolePolicy",
    title: "IAM Role Policy",
    // A role is named by its name or its id, which are the same.
    inputs: z.strictObject({ ...inputs, role: iamName(64) }),
    records: rolePolicies,
    idOf: ({ id }) => id,
    make: ({ role: owner, ...given }, context) => admitted("Role", { ...given, owner }, context),
    change: (_, { role: owner, ...given }, context) => admitted("Role", { ...given, owner }, context),
    outputs: ({ policy }) => ({ policy }),
});

/** The S3 server knows users' policies, too. */
async function putUserPolicy(
    { user: owner, ...given }: { name: string; user: string; policy: string },
    context: AmazonContext,
): Promise<InlinePolicyRecord> {
    const record = admitted("User", { ...given, owner }, context);
    await putIdentityPolicy(owner, record.name, record.policy);
    return record;
}

export const userPolicy = amazonKind({
    type: "aws:iam/userPolicy:UserPolicy",
    title: "IAM User Policy",
    inputs: z.strictObject({ ...inputs, user: iamName(64) }),
    records: userPolicies,
    idOf: ({ id }) => id,
    make: putUserPolicy,
    change: (_, given, context) => putUserPolicy(given, context),
    outputs: ({ policy }) => ({ policy }),
    remove: (id) => exclusively(() => removeUserPolicy(id)),
});

/** To be called within `exclusively`. */
export async function removeUserPolicy(id: string): Promise<void> {
    const record = userPolicies.get(id);
    if (record) {
        await removeIdentityPolicy(record.owner, record.name);
        userPolicies.remove(id);
    }
}
