import type { ResourceKind } from "../../cloud/kind";
import { rolePolicy, userPolicy } from "./inlinePolicy";
import { instanceProfile, role } from "./role";
import { accessKey, user } from "./user";

/** Users, roles and what they may do. */
export const iamKinds: readonly ResourceKind[] = [
    accessKey,
    instanceProfile,
    role,
    rolePolicy,
    user,
    userPolicy,
];
