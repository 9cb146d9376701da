import { randomBytes } from "node:crypto";

import { ensureStorage } from "../storage";
import { elements, iamRequest, StorageError, textOf } from "../storage/client";
import { newAccessKeyId } from "../storage/files";
import { AwsError } from "../compute/api";
import { labMode } from "../../cloud/mode";

export interface NewKey {
    id: string;
    secret: string;
    createdAt: string;
}

/** What becomes of users: identities of the lab's S3. Removals succeed where there is nothing. */
export interface Backend {
    createUser(user: string): Promise<void>;
    /** With all keys and policies that are left of interrupted runs. */
    removeUser(user: string): Promise<void>;
    putPolicy(user: string, name: string, policy: string): Promise<void>;
    removePolicy(user: string, name: string): Promise<void>;
    /** `known` are the ids of the user's other keys; what an interrupted run has made beyond them goes. */
    createKey(user: string, known: readonly string[]): Promise<NewKey>;
    setKeyStatus(user: string, id: string, status: "Active" | "Inactive"): Promise<void>;
    removeKey(user: string, id: string): Promise<void>;
}

/** Checks and records only. */
const recordBackend: Backend = {
    createUser: async () => {},
    removeUser: async () => {},
    putPolicy: async () => {},
    removePolicy: async () => {},
    createKey: async () => ({
        id: newAccessKeyId(),
        secret: randomBytes(30).toString("base64"),
        createdAt: new Date().toISOString(),
    }),
    setKeyStatus: async () => {},
    removeKey: async () => {},
};

async function ask(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    await ensureStorage();
    try {
        return await iamRequest(action, parameters);
    } catch (error) {
        throw error instanceof StorageError
            ? new AwsError(`IAM: ${action}`, error.code, error.said, error.status)
            : error;
    }
}

async function askUnless(code: string, action: string, parameters: Record<string, string>): Promise<void> {
    await ask(action, parameters).catch((error: unknown) => {
        if (!(error instanceof AwsError) || error.code !== code) {
            throw error;
        }
    });
}

const gone = "NoSuchEntity";

/** What IAM lists of a user, by the name of its elements; nothing where there is no such user. */
async function listed(action: string, UserName: string, element: string): Promise<string[]> {
    try {
        return elements(await ask(action, { UserName }), element);
    } catch (error) {
        if (error instanceof AwsError && error.code === gone) {
            return [];
        }
        throw error;
    }
}

async function removeKeysBut(known: readonly string[], UserName: string): Promise<void> {
    const ids = await listed("ListAccessKeys", UserName, "AccessKeyId");
    for (const AccessKeyId of ids.filter((id) => !known.includes(id))) {
        await askUnless(gone, "DeleteAccessKey", { UserName, AccessKeyId });
    }
}

const storageBackend: Backend = {
    // One that an interrupted run made is taken as it is.
    createUser: (UserName) => askUnless("EntityAlreadyExists", "CreateUser", { UserName }),
    async removeUser(UserName) {
        await removeKeysBut([], UserName);
        for (const PolicyName of await listed("ListUserPolicies", UserName, "member")) {
            await askUnless(gone, "DeleteUserPolicy", { UserName, PolicyName });
        }
        await askUnless(gone, "DeleteUser", { UserName });
    },
    putPolicy: async (UserName, PolicyName, PolicyDocument) => {
        await ask("PutUserPolicy", { UserName, PolicyName, PolicyDocument });
    },
    removePolicy: (UserName, PolicyName) => askUnless(gone, "DeleteUserPolicy", { UserName, PolicyName }),
    createKey: async (UserName, known) => {
        await removeKeysBut(known, UserName);
        const answer = await ask("CreateAccessKey", { UserName });
        const [id = "", secret = "", createdAt = ""] = ["AccessKeyId", "SecretAccessKey", "CreateDate"].map(
            (name) => textOf(answer, name),
        );
        return { id, secret, createdAt };
    },
    setKeyStatus: async (UserName, AccessKeyId, Status) => {
        await ask("UpdateAccessKey", { UserName, AccessKeyId, Status });
    },
    removeKey: (UserName, AccessKeyId) => askUnless(gone, "DeleteAccessKey", { UserName, AccessKeyId }),
};

/** The backend of this lab's mode. */
export function backend(): Backend {
    return labMode() === "record" ? recordBackend : storageBackend;
}
