import { AwsError } from "../errors";
import { newKeyPair, type KeyPair } from "../keys";
import { labMode } from "../../cloud/mode";
import { ensureStorage } from "../storage";
import { elements, iamRequest, textOf } from "../storage/client";

/*
 * Users as identities of the lab's S3 server, which evaluates their policies. In record mode nothing is asked, and all
 * succeeds. Removals succeed where there is nothing.
 */

const gone = "NoSuchEntity";

/** Asks IAM. @returns its answer; nothing where it refuses with the code `unless`. */
async function ask(action: string, parameters: Record<string, string>, unless?: string): Promise<string> {
    if (labMode() === "record") {
        return "";
    }
    await ensureStorage();
    return iamRequest(action, parameters).catch((error: unknown) => {
        if (error instanceof AwsError && error.code === unless) {
            return "";
        }
        throw error;
    });
}

/** One that an interrupted run made is taken as it is. */
export async function createIdentity(UserName: string): Promise<void> {
    await ask("CreateUser", { UserName }, "EntityAlreadyExists");
}

/** With all keys and policies that are left of interrupted runs. */
export async function removeIdentity(UserName: string): Promise<void> {
    await removeKeysBut([], UserName);
    for (const PolicyName of elements(await ask("ListUserPolicies", { UserName }, gone), "member")) {
        await removeIdentityPolicy(UserName, PolicyName);
    }
    await ask("DeleteUser", { UserName }, gone);
}

export async function putIdentityPolicy(UserName: string, PolicyName: string, PolicyDocument: string) {
    await ask("PutUserPolicy", { UserName, PolicyName, PolicyDocument });
}

export async function removeIdentityPolicy(UserName: string, PolicyName: string): Promise<void> {
    await ask("DeleteUserPolicy", { UserName, PolicyName }, gone);
}

/** @param known are the ids of the user's other keys; what an interrupted run has made beyond them goes. */
export async function createKey(
    UserName: string,
    known: readonly string[],
): Promise<KeyPair & { createdAt: string }> {
    if (labMode() === "record") {
        return { ...newKeyPair(), createdAt: new Date().toISOString() };
    }
    await removeKeysBut(known, UserName);
    const answer = await ask("CreateAccessKey", { UserName });
    const [id = "", secret = "", createdAt = ""] = ["AccessKeyId", "SecretAccessKey", "CreateDate"].map(
        (name) => textOf(answer, name),
    );
    return { id, secret, createdAt };
}

export async function setKeyStatus(UserName: string, AccessKeyId: string, Status: string): Promise<void> {
    await ask("UpdateAccessKey", { UserName, AccessKeyId, Status });
}

export async function removeKey(UserName: string, AccessKeyId: string): Promise<void> {
    await ask("DeleteAccessKey", { UserName, AccessKeyId }, gone);
}

async function removeKeysBut(known: readonly string[], UserName: string): Promise<void> {
    const ids = elements(await ask("ListAccessKeys", { UserName }, gone), "AccessKeyId");
    for (const id of ids.filter((one) => !known.includes(one))) {
        await removeKey(UserName, id);
    }
}
