import { accessKeys, instanceProfiles, rolePolicies, roles, userPolicies, users } from "./cloud";
import { removeAccessKey, removeUser, removeUserPolicy } from "./user";

/** Removes what an interrupted run left; see `sweep`. */
export async function sweepIam(known: ReadonlySet<string>): Promise<void> {
    const unknown = (type: string, ids: readonly string[]): string[] =>
        ids.filter((id) => !known.has(`aws:iam/${type} ${id}`));

    for (const id of unknown("accessKey:AccessKey", accessKeys.ids())) {
        await removeAccessKey(id);
    }
    for (const id of unknown("userPolicy:UserPolicy", userPolicies.ids())) {
        await removeUserPolicy(id);
    }
    for (const id of unknown("user:User", users.ids())) {
        await removeUser(id);
    }
    for (const id of unknown("instanceProfile:InstanceProfile", instanceProfiles.ids())) {
        instanceProfiles.remove(id);
    }
    for (const id of unknown("rolePolicy:RolePolicy", rolePolicies.ids())) {
        rolePolicies.remove(id);
    }
    for (const id of unknown("role:Role", roles.ids())) {
        roles.remove(id);
    }
}
