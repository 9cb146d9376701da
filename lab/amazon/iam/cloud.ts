import { z } from "zod";

import { Records } from "../../cloud/records";

/* What the lab's IAM holds. Secrets of access keys are in the S3 server's own store, and in no record. */

/** Where a record comes from: the URN in the stack. */
const origin = { urn: z.string() };

const roleRecord = z.object({
    ...origin,
    name: z.string(),
    arn: z.string(),
    /** The policy document as JSON: who may take the role. */
    assumeRolePolicy: z.string(),
    createdAt: z.string(),
});
export type RoleRecord = z.infer<typeof roleRecord>;

const rolePolicyRecord = z.object({
    ...origin,
    /** `<role>:<name>` */
    id: z.string(),
    role: z.string(),
    name: z.string(),
    /** The policy document as JSON: what the role may do. */
    policy: z.string(),
});
export type RolePolicyRecord = z.infer<typeof rolePolicyRecord>;

const instanceProfileRecord = z.object({
    ...origin,
    name: z.string(),
    arn: z.string(),
    /** Name of its role; instances without one have no credentials. */
    role: z.string().optional(),
    createdAt: z.string(),
});
export type InstanceProfileRecord = z.infer<typeof instanceProfileRecord>;

const userRecord = z.object({ ...origin, name: z.string(), arn: z.string(), createdAt: z.string() });
export type UserRecord = z.infer<typeof userRecord>;

const userPolicyRecord = z.object({
    ...origin,
    /** `<user>:<name>` */
    id: z.string(),
    user: z.string(),
    name: z.string(),
    policy: z.string(),
});
export type UserPolicyRecord = z.infer<typeof userPolicyRecord>;

const accessKeyRecord = z.object({
    ...origin,
    id: z.string(),
    user: z.string(),
    status: z.enum(["Active", "Inactive"]),
    createdAt: z.string(),
});
export type AccessKeyRecord = z.infer<typeof accessKeyRecord>;

/** By name. */
export const roles = new Records("aws-role", roleRecord);
/** By `<role>:<name>`. */
export const rolePolicies = new Records("aws-role-policy", rolePolicyRecord);
/** By name. */
export const instanceProfiles = new Records("aws-instance-profile", instanceProfileRecord);
/** By name. */
export const users = new Records("aws-user", userRecord);
/** By `<user>:<name>`. */
export const userPolicies = new Records("aws-user-policy", userPolicyRecord);
/** By id. */
export const accessKeys = new Records("aws-access-key", accessKeyRecord);
