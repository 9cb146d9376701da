import "./ownRecordLab";

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { cloudFolder, labFolder } from "../../lab/paths";
import { iamKinds } from "../../lab/amazon/iam";
import {
    accessKeys,
    instanceProfiles,
    rolePolicies,
    roles,
    userPolicies,
    users,
} from "../../lab/amazon/records";
import type { ResourceKind } from "../../lab/cloud/kind";
import { problemsWith } from "../../lab/cloud/protocol/problems";
import { sweep } from "../../lab/engine/sweep";

/* What the lab's IAM refuses, as the real one does. In record mode: there is no server. */

afterEach(() => rmSync(labFolder, { recursive: true, force: true }));

const context = {
    urn: "urn:test",
    name: "test",
    settings: { allowedAccountIds: ["210987654321"] },
    log: () => undefined,
};

type Given = Record<string, unknown>;

function kind(name: string): ResourceKind {
    const found = iamKinds.find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

async function create(name: string, inputs: Given): Promise<{ id: string; inputs: Given; outputs: Given }> {
    return { inputs, ...(await kind(name).create(inputs, context)) };
}

const document = (statement: Given) => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", ...statement }],
});
const put = document({ Action: "s3:PutObject", Resource: "arn:aws:s3:::radio/*" });
const trust = document({ Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } });

function refusals(name: string, inputs: Given): string[] {
    return problemsWith(kind(name), inputs).map(({ property, reason }) => `${property}: ${reason}`);
}

describe("before anything is made, IAM refuses", () => {
    it("names with other characters", () => {
        expect(refusals("User", { name: "who is it" })).toEqual([
            expect.stringContaining("must only contain alphanumeric characters"),
        ]);
        expect(refusals("Role", { name: "r".repeat(65), assumeRolePolicy: trust })).toHaveLength(1);
    });

    it.each<[string, Given, string]>([
        ["a principal", { ...put.Statement[0], Principal: "*" }, "should not specify a principal"],
        ["no resource", { Action: "s3:*" }, "must contain resources"],
        ["no action", { Resource: "*" }, "must contain actions"],
        ["an action of nobody", { Action: "PutObject", Resource: "*" }, "must be prefaced by a vendor"],
        ["a resource that is no ARN", { Action: "s3:*", Resource: "radio" }, "must be in ARN format"],
    ])("a user's policy with %s", (_, statement, reason) => {
        const given = { name: "p", user: "writer", policy: document(statement) };
        expect(refusals("UserPolicy", given)).toEqual([expect.stringContaining(reason)]);
        // As text, too.
        expect(refusals("UserPolicy", { ...given, policy: JSON.stringify(given.policy) })).toHaveLength(1);
    });

    it("a role that nobody may take, or whose taking has a resource", () => {
        const said = (assumeRolePolicy: Given) =>
            refusals("Role", { name: "r", assumeRolePolicy }).join("; ");
        expect(said(trust)).toBe("");
        expect(said(document({ Action: "sts:AssumeRole" }))).toContain("Missing required field Principal");
        expect(said(document({ ...trust.Statement[0], Resource: "*" }))).toContain(
            "prohibited field Resource",
        );
    });
});

describe("IAM refuses", () => {
    it("a second user of one name, whatever its case", async () => {
        await create("User", { name: "writer" });
        await expect(create("User", { name: "Writer" })).rejects.toThrow(
            /^creating IAM User \(Writer\): .*EntityAlreadyExists: User with name Writer already exists\./,
        );
    });

    it("policies and keys for nobody, and more than there is room for", async () => {
        const nobody = { user: "nobody" };
        await expect(create("UserPolicy", { ...nobody, name: "p", policy: put })).rejects.toThrow(
            "NoSuchEntity: The user with name nobody cannot be found.",
        );
        await expect(create("AccessKey", nobody)).rejects.toThrow("NoSuchEntity");
        await create("User", { name: "writer" });
        const large = document({ Action: "s3:PutObject", Resource: `arn:aws:s3:::${"r".repeat(1500)}` });
        await create("UserPolicy", { user: "writer", name: "one", policy: large });
        await expect(create("UserPolicy", { user: "writer", name: "two", policy: large })).rejects.toThrow(
            "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user writer",
        );
        await create("AccessKey", { user: "writer" });
        await create("AccessKey", { user: "writer" });
        await expect(create("AccessKey", { user: "writer" })).rejects.toThrow(
            "Cannot exceed quota for AccessKeysPerUser: 2",
        );
    });

    it("to remove a user who has keys, unless it is forced", async () => {
        const user = await create("User", { name: "writer" });
        await create("AccessKey", { user: "writer" });
        await expect(kind("User").delete(user, context)).rejects.toThrow("must delete access keys first");
        await kind("User").delete({ ...user, inputs: { ...user.inputs, forceDestroy: true } }, context);
        expect([...users.ids(), ...accessKeys.ids()]).toEqual([]);
    });

    it("roles' policies and profiles without the role, and to remove a role in use", async () => {
        await expect(create("RolePolicy", { role: "relay", name: "p", policy: put })).rejects.toThrow(
            "The role with name relay cannot be found.",
        );
        await expect(create("InstanceProfile", { name: "relay", role: "relay" })).rejects.toThrow(
            "NoSuchEntity",
        );
        const role = await create("Role", { name: "relay", assumeRolePolicy: trust });
        expect(role.outputs.arn).toBe("arn:aws:iam::210987654321:role/relay");
        await create("RolePolicy", { role: "relay", name: "p", policy: put });
        const profile = await create("InstanceProfile", { name: "relay", role: "relay" });
        await expect(kind("Role").delete(role, context)).rejects.toThrow(
            "must remove roles from instance profile first",
        );
        await kind("InstanceProfile").delete(profile, context);
        await expect(kind("Role").delete(role, context)).rejects.toThrow("must delete policies first");
    });
});

it("gives a key that is a secret, and writes it into no record", async () => {
    await create("User", { name: "writer" });
    const { id, outputs } = await create("AccessKey", { user: "writer" });
    expect(id).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(String(outputs.secret)).toHaveLength(40);
    expect(kind("AccessKey").secretOutputs).toContain("secret");
    const records = readdirSync(cloudFolder("aws-access-key")).map((name) =>
        readFileSync(join(cloudFolder("aws-access-key"), name), "utf8"),
    );
    expect(records.join()).toContain(id);
    expect(records.join()).not.toContain(String(outputs.secret));
});

it("removes what no state knows", async () => {
    await create("User", { name: "writer" });
    await create("UserPolicy", { user: "writer", name: "p", policy: put });
    await create("AccessKey", { user: "writer" });
    await create("Role", { name: "relay", assumeRolePolicy: trust });
    await create("RolePolicy", { role: "relay", name: "p", policy: put });
    await create("InstanceProfile", { name: "relay", role: "relay" });
    await sweep(new Set(["aws:iam/user:User writer", "aws:iam/role:Role relay"]));
    const left = [users, accessKeys, userPolicies, roles, rolePolicies, instanceProfiles].map((kept) =>
        kept.ids(),
    );
    expect(left).toEqual([["writer"], [], [], ["relay"], [], []]);
});
