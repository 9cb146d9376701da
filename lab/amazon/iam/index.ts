import type { ResourceKind } from "../../cloud/kind";
import { instanceProfile, role, rolePolicy } from "./role";
import { accessKey, user, userPolicy } from "./user";

/** Users, roles and what they may do. */
export const iamKinds: readonly ResourceKind[] = [
    accessKey,
    instanceProfile,
    role,
    rolePolicy,
    user,
    userPolicy,
];
