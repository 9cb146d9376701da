import { z } from "zod";

import { refuse } from "../errors";
import { iamName, tags } from "../inputs";
import { amazonKind } from "../kind";
import { uniqueId } from "../names";
import { policyDocument, policyLength } from "../policy";
import { instanceProfiles, rolePolicies, roles } from "../records";
import { mustExist } from "./inlinePolicy";

/* Roles, which the lab's other services of Amazon's read from the records, and the profiles that give them to instances. */

/** Most characters of the document that says who may take a role. */
const maxTrustLength = 2048;

/** Kinds take a path since a change of it replaces them. Nobody here has another than this. */
const path = z.literal("/", { error: "the lab has no paths in IAM" }).default("/");

/** The document, unless it is too long. */
function trust(policy: string, action: string): { assumeRolePolicy: string } {
    if (policyLength(policy) > maxTrustLength) {
        const said = `Cannot exceed quota for ACLSizePerRole: ${maxTrustLength}`;
        refuse(`IAM: ${action}`, "LimitExceeded", said, 409);
    }
    return { assumeRolePolicy: policy };
}

export const role = amazonKind({
    type: "aws:iam/role:Role",
    title: "IAM Role",
    inputs: z.strictObject({
        name: iamName(64),
        path,
        assumeRolePolicy: policyDocument("trust"),
        description: z.string().max(1000).default(""),
        tags: tags.optional(),
    }),
    records: roles,
    idOf: ({ name }) => name,

    make({ name, assumeRolePolicy }, { urn, account }) {
        if (roles.ids().some((other) => other.toLowerCase() === name.toLowerCase())) {
            refuse("IAM: CreateRole", "EntityAlreadyExists", `Role with name ${name} already exists.`, 409);
        }
        const arn = `arn:aws:iam::${account}:role/${name}`;
        const createdAt = new Date().toISOString();
        return { urn, name, arn, createdAt, ...trust(assumeRolePolicy, "CreateRole") };
    },
    change: (record, given) => ({ ...record, ...trust(given.assumeRolePolicy, "UpdateAssumeRolePolicy") }),

    outputs: (record) => ({
        ...{ arn: record.arn, createDate: record.createdAt, uniqueId: uniqueId("AROA", record) },
        assumeRolePolicy: record.assumeRolePolicy,
    }),

    checkDelete(id) {
        const isInProfile = instanceProfiles.all().some((profile) => profile.role === id);
        if (isInProfile || rolePolicies.all().some(({ owner }) => owner === id)) {
            const first = isInProfile ? "remove roles from instance profile" : "delete policies";
            const said = `Cannot delete entity, must ${first} first.`;
            refuse("IAM: DeleteRole", "DeleteConflict", said, 409);
        }
    },
});

function checkRole(name: string | undefined): void {
    if (name !== undefined) {
        mustExist("Role", name, "AddRoleToInstanceProfile");
    }
}

export const instanceProfile = amazonKind({
    type: "aws:iam/instanceProfile:InstanceProfile",
    title: "IAM Instance Profile",
    inputs: z.strictObject({ name: iamName(128), path, role: iamName(64).optional(), tags: tags.optional() }),
    records: instanceProfiles,
    idOf: ({ name }) => name,

    make({ name, role }, { urn, account }) {
        if (instanceProfiles.get(name)) {
            const said = `Instance Profile ${name} already exists.`;
            refuse("IAM: CreateInstanceProfile", "EntityAlreadyExists", said, 409);
        }
        checkRole(role);
        const arn = `arn:aws:iam::${account}:instance-profile/${name}`;
        return { urn, name, arn, role, createdAt: new Date().toISOString() };
    },
    change(record, { role }) {
        checkRole(role);
        return { ...record, role };
    },

    outputs: (record) => ({
        ...{ arn: record.arn, createDate: record.createdAt, uniqueId: uniqueId("AIPA", record) },
        role: record.role,
    }),
});
