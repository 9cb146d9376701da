import "./ownRecordLab";

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sessionKeys, type Session } from "../../lab/amazon/keys";
import { instances, rolePolicies, roles } from "../../lab/amazon/records";
import { signingKey } from "../../lab/amazon/signature";
import { roleServer } from "../../lab/amazon/storage/roles";
import { labFolder } from "../../lab/paths";

/* What S3's servers are told about instances, in versitygw's protocol between its S3 and its IAM. */

const folder = mkdtempSync(join(tmpdir(), "aerial-roles-"));
const [own, users] = [join(folder, "own.sock"), join(folder, "users.sock")];
const bucket = "arn:aws:s3:::radio-artefacts";
const expires = Date.now() + 3_600_000;
const scope = { date: "20261128", region: "eu-central-1", service: "s3" };

let servers: Server[];
/** What versitygw's IAM was asked. */
let asked: { url: string | undefined; authorization: string | undefined; body: string }[];

/** Stands in for versitygw's IAM. */
function userServer(): Server {
    return createServer((received, response) => {
        void received.toArray().then((parts: Buffer[]) => {
            const { url, headers } = received;
            asked.push({
                url,
                authorization: headers.authorization,
                body: Buffer.concat(parts).toString(),
            });
            response.writeHead(403, { "x-vgw-private-protocol": "1" }).end('{"code":"NoSuchIdentity"}');
        });
    });
}

beforeAll(async () => {
    servers = [roleServer(users).listen(own), userServer().listen(users)];
    await Promise.all(servers.map((server) => once(server, "listening")));
});

beforeEach(() => {
    asked = [];
    const named = { urn: "urn:test", createdAt: "2026-11-28" };
    roles.put("relay", {
        ...{ ...named, name: "relay", arn: "arn:aws:iam::123456789012:role/relay" },
        assumeRolePolicy: "{}",
    });
    const statement = { Effect: "Allow", Action: ["s3:GetObject"], Resource: [`${bucket}/relay/*`] };
    rolePolicies.put("relay:own", {
        ...{ urn: "urn:test", id: "relay:own", owner: "relay", name: "own" },
        policy: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
    });
    instances.put("i-1", {
        ...{ urn: "urn:test", region: "eu-central-1", id: "i-1", group: "g", name: "relay-1" },
        ...{ zone: "eu-central-1a", subnetId: "s", address: "192.0.2.1", privateAddress: "10.0.0.1" },
        ...{ templateId: "lt", templateVersion: 1, lifecycle: "InService", booted: true, launchedAt: 0 },
    });
});

afterEach(() => rmSync(labFolder, { recursive: true, force: true }));

afterAll(() => {
    for (const server of servers) {
        server.closeAllConnections();
        server.close();
    }
    rmSync(folder, { recursive: true });
});

interface Answer {
    status: number | undefined;
    protocol: unknown;
    body: Record<string, unknown>;
}

function ask(path: string, body: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
        const headers = { authorization: "AWS4-HMAC-SHA256 x" };
        const sent = request({ socketPath: own, path, method: "POST", headers }, (response) => {
            void response.toArray().then((parts: Buffer[]) =>
                resolve({
                    status: response.statusCode,
                    protocol: response.headers["x-vgw-private-protocol"],
                    body: JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>,
                }),
            );
        });
        sent.on("error", reject);
        sent.end(JSON.stringify(body));
    });
}

function keyOf(change: Partial<Session> = {}): { secret: string; accessKeyId: string; sessionToken: string } {
    const { id, secret, token } = sessionKeys({ instance: "i-1", role: "relay", expires, ...change });
    return { secret, accessKeyId: id, sessionToken: token };
}

const derive = (key: object) => ask("/private/derive-signing-key", { ...key, ...scope });

async function decisions(actions: string[], resources: string[], more: object = {}): Promise<unknown> {
    const { accessKeyId, sessionToken } = keyOf();
    const given = { accessKeyId, sessionToken, actions, resources, ...more };
    const { body } = await ask("/private/evaluate-policy", given);
    return body.decisions;
}

it("derives the key to sign with as Amazon publishes it", () => {
    const published = { date: "20120215", region: "us-east-1", service: "iam" };
    expect(signingKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", published).toString("hex")).toBe(
        "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d",
    );
});

it("says who an instance is, and with what it signs, but never its secret", async () => {
    const { secret, ...key } = keyOf();
    const { status, protocol, body } = await derive(key);
    expect([status, protocol]).toEqual([200, "1"]);
    expect(body).toEqual({
        derivedKey: signingKey(secret, scope).toString("base64"),
        principalArn: "arn:aws:sts::123456789012:assumed-role/relay/i-1",
        roleArn: "arn:aws:iam::123456789012:role/relay",
    });
    expect(asked).toEqual([]);
});

it("knows no instance by a key without its token, with another's, with an old one, or after it is gone", async () => {
    const { accessKeyId, sessionToken } = keyOf();
    const other = keyOf({ instance: "i-2" });
    const code = async (key: object): Promise<unknown> => (await derive(key)).body.code;
    expect(await code({ accessKeyId })).toBe("NoSuchIdentity");
    expect(await code({ accessKeyId, sessionToken: other.sessionToken })).toBe("InvalidToken");
    expect(await code({ accessKeyId, sessionToken: `${sessionToken}x` })).toBe("InvalidToken");
    expect(await code(keyOf({ expires: Date.now() - 1 }))).toBe("InvalidToken");
    instances.remove("i-1");
    expect(await code({ accessKeyId, sessionToken })).toBe("InvalidToken");
});

it("permits what the role's policies allow, and nothing else", async () => {
    expect(
        await decisions(
            ["s3:GetObject", "s3:PutObject"],
            [`${bucket}/relay/0a1b`, `${bucket}/other`, "arn:aws:s3:::foreign/relay/0a1b"],
        ),
    ).toEqual([
        ["allow", "no_match"],
        ["no_match", "no_match"],
        ["no_match", "no_match"],
    ]);
    expect(await decisions(["s3:ListBucket"], [bucket])).toEqual([["no_match"]]);
});

it("denies what a policy denies, under its conditions", async () => {
    const deny = {
        ...{ Effect: "Deny", Action: "s3:*", Resource: "*" },
        Condition: { StringEquals: { "s3:prefix": "relay/" } },
    };
    rolePolicies.put("relay:more", {
        ...{ urn: "urn:test", id: "relay:more", owner: "relay", name: "more" },
        policy: JSON.stringify({ Version: "2012-10-17", Statement: [deny] }),
    });
    const get = (condition: object) => decisions(["s3:GetObject"], [`${bucket}/relay/x`], { condition });
    expect(await get({})).toEqual([["allow"]]);
    expect(await get({ "s3:prefix": ["relay/"] })).toEqual([["deny"]]);
});

it("asks versitygw's own IAM about everybody else, with the request as it was signed", async () => {
    const { status, protocol, body } = await derive({ accessKeyId: "AKIAUSER" });
    expect([status, protocol, body]).toEqual([403, "1", { code: "NoSuchIdentity" }]);
    await ask("/private/resolve-principals", { principals: ["*"] });
    await ask("/private/version", {});
    expect(asked.map(({ url }) => url)).toEqual([
        "/private/derive-signing-key",
        "/private/resolve-principals",
        "/private/version",
    ]);
    expect(asked[0]).toMatchObject({
        authorization: "AWS4-HMAC-SHA256 x",
        body: JSON.stringify({ accessKeyId: "AKIAUSER", ...scope }),
    });
});
