import "./ownLab";

import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { readerPolicy, writerPolicy } from "../../components/airtimeBackup/policies";
import { tlsOnlyPolicy, type PolicyDocument } from "../../components/privateBucket/policies";
import { ensureAcme } from "../../lab/acme";
import { ensureDns } from "../../lab/cloudflare/dns/server";
import { cgroupProcesses } from "../../lab/workstation/cgroups";
import { removeLab } from "../../lab/machines/removeLab";
import { serviceState, stopService } from "../../lab/workstation/services";
import { createMachine, machineCommand } from "../../lab/machines/machines";
import { labCgroup } from "../../lab/paths";
import { iamKinds } from "../../lab/amazon/iam";
import { s3Kinds } from "../../lab/amazon/s3";
import { sweepBuckets } from "../../lab/amazon/s3/bucket";
import { sessionKeys } from "../../lab/amazon/keys";
import { buckets, instances } from "../../lab/amazon/records";
import type { ResourceKind } from "../../lab/cloud/kind";
import { setLabMode } from "../../lab/cloud/mode";
import {
    ensureStorage,
    resumeStorage,
    s3Root,
    setStorageFrozen,
    stopStorage,
} from "../../lab/amazon/storage";
import { iamRequest } from "../../lab/amazon/storage/client";

/*
 * S3 as a machine of the station sees it: by Amazon's names, over TLS that it trusts by itself, with users and buckets
 * that the lab's provider has made, and the policies that the station gives them.
 */

const [region, copyRegion] = ["eu-central-1", "us-east-1"];
const machine = { id: "2001", name: "airtime", region: "ams3", publicAddress: "198.18.0.10" };
const [shows, archive, foreign] = ["radio-test-shows", "radio-test-archive", "somebody-elses"];
const context = {
    urn: "urn:test",
    name: "test",
    settings: { region, allowedAccountIds: ["123456789012"] },
    log: () => undefined,
};

type Given = Record<string, unknown>;
type Call = [label: string, key: string | null, operation: string, parameters: Given];
type Answers = Record<string, Given & { refused?: string; said?: string }>;

/** Id and secret; of an instance also its token. */
const keys: Record<string, string[]> = {};

function kind(name: string): ResourceKind {
    const found = [...s3Kinds, ...iamKinds].find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

async function create(name: string, inputs: Given): Promise<{ id: string; inputs: Given; outputs: Given }> {
    return { inputs, ...(await kind(name).create(inputs, context)) };
}

async function makeBucket(bucket: string, place = region): Promise<void> {
    const of = { bucket, region: place };
    await create("Bucket", { ...of, objectLockEnabled: true });
    await create("BucketVersioning", { ...of, versioningConfiguration: { status: "Enabled" } });
    await create("BucketObjectLockConfiguration", {
        ...of,
        rule: { defaultRetention: { mode: "GOVERNANCE", days: 30 } },
    });
    await create("BucketPublicAccessBlock", { ...of, blockPublicPolicy: true, restrictPublicBuckets: true });
    await create("BucketOwnershipControls", { ...of, rule: { objectOwnership: "BucketOwnerEnforced" } });
    await create("BucketPolicy", { ...of, policy: JSON.stringify(tlsOnlyPolicy(bucket)) });
}

/** With all that is in it. */
async function removeBucket(bucket: string): Promise<void> {
    const inputs = { bucket, region, forceDestroy: true };
    await kind("Bucket").delete({ id: bucket, inputs, outputs: {} }, context);
}

async function makeUser(name: string, policy: PolicyDocument): Promise<void> {
    await create("User", { name });
    await create("UserPolicy", { name, user: name, policy: JSON.stringify(policy) });
    const { id, outputs } = await create("AccessKey", { user: name });
    keys[name] = [id, String(outputs.secret)];
}

/** The program on the machine that makes the calls, and what it answers, line by line. */
let client: ChildProcess | undefined;
let answers: AsyncIterator<string> | undefined;

function startClient(): void {
    const script = readFileSync(join(__dirname, "storage.py"), "utf8");
    const [program = "", ...args] = machineCommand(machine.id, ["python3", "-c", script]);
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    client = child;
    answers = createInterface(child.stdout)[Symbol.asyncIterator]();
}

/** Makes calls from the machine, in their order. */
async function ask(calls: Call[], place = region): Promise<Answers> {
    const { accessKeyId, secretAccessKey } = s3Root(place);
    const all = { ...keys, root: [accessKeyId, secretAccessKey] };
    client?.stdin?.write(`${JSON.stringify({ region: place, keys: all, calls })}\n`);
    const line = await answers?.next();
    if (line === undefined || line.done) {
        throw new Error("the client on the machine has ended");
    }
    return JSON.parse(line.value) as Answers;
}

async function one(key: string | null, operation: string, parameters: Given): Promise<Answers[string]> {
    return (await ask([["it", key, operation, parameters]])).it ?? {};
}

const list = (key: string | null) => one(key, "list_objects_v2", { Bucket: shows });

const show = { Bucket: shows, Key: "shows/2026/11/22/main/Größe & 日本.mp3" };
const sum = (text: string) => createHash("sha256").update(text).digest("base64");
const put = (text: string, hash = sum(text)) => ({ ...show, Body: text, ChecksumSHA256: hash });

/** The id of the show's first version, "one"; there is another one, "two". Put by the first test that wants them. */
async function firstVersion(): Promise<string> {
    const { Versions = [] } = await one("root", "list_object_versions", { Bucket: shows, Prefix: show.Key });
    const [first] = (Versions as { VersionId: string }[]).slice(-1);
    if (first) {
        return first.VersionId;
    }
    const answers = await ask([
        ["first", "writer", "put_object", { ...put("one"), Metadata: { channel: "main" } }],
        ["second", "writer", "put_object@path", put("two")],
    ]);
    return String(answers.first?.VersionId);
}

beforeAll(async () => {
    setLabMode("machines");
    await removeLab();
    await ensureDns();
    await ensureAcme();
    await Promise.all([
        createMachine({ ...machine, userData: "#cloud-config\n{}\n" }),
        makeBucket(shows),
        makeBucket(archive),
        makeBucket(`${shows}-copy`, copyRegion),
        makeBucket(foreign),
    ]);
    await makeUser("writer", writerPolicy({ shows, archive }));
    await makeUser("reader", readerPolicy({ shows, archive }));
    startClient();
}, 600_000);

afterAll(async () => {
    client?.kill("SIGKILL");
    await removeLab();
});

it("takes a show from the writer, verifies its hash, and keeps every version of it", async () => {
    const first = await firstVersion();
    const answers = await ask([
        ["broken", "writer", "put_object", put("other", sum("one"))],
        ["now", "reader", "get_object", { ...show, ChecksumMode: "ENABLED" }],
        ["found", "writer", "list_objects_v2", { Bucket: shows }],
    ]);
    expect(answers.broken).toMatchObject({ refused: "BadDigest" });
    expect(answers.now).toMatchObject({ Body: "two", ChecksumSHA256: sum("two") });
    expect(answers.found).toMatchObject({ KeyCount: 1, Contents: [{ Key: show.Key, Size: 3 }] });
    const old = await one("reader", "get_object", { ...show, VersionId: first });
    expect(old).toMatchObject({ Body: "one", Metadata: { channel: "main" } });
});

it("refuses the writer all that would undo a backup, and others' buckets", async () => {
    const old = { ...show, VersionId: await firstVersion() };
    const calls: Call[] = [
        ["delete", "writer", "delete_object", show],
        ["delete a version", "writer", "delete_object", old],
        ["delete it past the lock", "writer", "delete_object", { ...old, BypassGovernanceRetention: true }],
        ["shorten a lock", "writer", "put_object_retention", { ...old, retainDays: 1 }],
        [
            "shorten it past the lock",
            "writer",
            "put_object_retention",
            { ...old, retainDays: 1, BypassGovernanceRetention: true },
        ],
        [
            "lock for less",
            "writer",
            "put_object_lock_configuration",
            { Bucket: shows, ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" } },
        ],
        [
            "stop versions",
            "writer",
            "put_bucket_versioning",
            { Bucket: shows, VersioningConfiguration: { Status: "Suspended" } },
        ],
        ["open up", "writer", "delete_bucket_policy", { Bucket: shows }],
        ["read the archive", "writer", "get_object", { Bucket: archive, Key: "x" }],
        ["list others'", "writer", "list_objects_v2", { Bucket: foreign }],
        ["read others'", "writer", "get_object", { Bucket: foreign, Key: "x" }],
        ["write to others", "writer", "put_object", { Bucket: foreign, Key: "x", Body: "" }],
    ];
    const answers = await ask([
        ...calls,
        [
            "expire",
            "writer",
            "put_bucket_lifecycle_configuration",
            {
                Bucket: shows,
                LifecycleConfiguration: {
                    Rules: [{ ID: "x", Status: "Enabled", Filter: {}, Expiration: { Days: 1 } }],
                },
            },
        ],
    ]);
    for (const [label] of calls) {
        expect([label, answers[label]?.refused]).toEqual([label, "AccessDenied"]);
    }
    // This server has no lifecycles, so it refuses them to everybody.
    expect(answers.expire?.refused).toMatch(/AccessDenied|NotImplemented/);
});

it("lets the reader read and nothing else, and nobody without a key anything", async () => {
    await firstVersion();
    const answers = await ask([
        ["versions", "reader", "list_object_versions", { Bucket: shows }],
        ["write", "reader", "put_object", { ...show, Body: "three" }],
        ["delete", "reader", "delete_object", show],
        ["nobody reads", null, "get_object", show],
        ["nobody lists", null, "list_objects_v2", { Bucket: shows }],
        ["nobody writes", null, "put_object", { ...show, Body: "" }],
    ]);
    expect(answers.versions?.Versions).toHaveLength(2);
    const refused = Object.values(answers).flatMap(({ refused }) => refused ?? []);
    expect(refused).toEqual(Array.from({ length: 5 }, () => "AccessDenied"));
});

it("holds a lock against the account's own root, unless it asks to pass by", async () => {
    const answers = await ask([
        ["put", "writer", "put_object", { Bucket: shows, Key: "locked", Body: "x" }],
        ["hide", "root", "delete_object", { Bucket: shows, Key: "locked" }],
    ]);
    const locked = { Bucket: shows, Key: "locked", VersionId: answers.put?.VersionId };
    const after = await ask([
        ["delete", "root", "delete_object", locked],
        ["read", "reader", "get_object", locked],
        ["delete past it", "root", "delete_object", { ...locked, BypassGovernanceRetention: true }],
        ["gone", "reader", "get_object", locked],
    ]);
    expect(answers.hide).toMatchObject({ DeleteMarker: true });
    expect(after.delete).toMatchObject({ refused: "AccessDenied" });
    expect(after.delete?.said).toContain("object lock");
    expect(after.read).toMatchObject({ Body: "x" });
    expect(after["delete past it"]?.refused).toBeUndefined();
    expect(after.gone).toMatchObject({ refused: "NoSuchVersion" });
});

it("answers for each region by its own name only", async () => {
    const copies = await ask(
        [
            ["there", "root", "list_objects_v2", { Bucket: `${shows}-copy` }],
            ["not there", "root", "list_objects_v2", { Bucket: shows }],
        ],
        copyRegion,
    );
    expect(copies.there).toMatchObject({ KeyCount: 0 });
    expect(copies["not there"]).toMatchObject({ refused: "NoSuchBucket" });
});

it("forgets a key that is withdrawn at once", async () => {
    await firstVersion();
    await makeUser("passing", readerPolicy({ shows, archive }));
    expect(await list("passing")).toMatchObject({ KeyCount: 1 });
    const [id = ""] = keys.passing ?? [];
    const withdrawn = { id, inputs: { user: "passing" }, outputs: {} };
    await kind("AccessKey").update(withdrawn, { user: "passing", status: "Inactive" }, context);
    expect((await list("passing")).refused).toBeDefined();
    await kind("AccessKey").delete(withdrawn, context);
    expect(await list("passing")).toMatchObject({ refused: "InvalidAccessKeyId" });
});

it("removes a user with the keys that an interrupted run has left", async () => {
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
    const user = await create("User", { name: "torn" });
    await iamRequest("CreateAccessKey", { UserName: "torn" });
    await iamRequest("CreateAccessKey", { UserName: "torn" });
    await iamRequest("PutUserPolicy", {
        UserName: "torn",
        PolicyName: "p",
        PolicyDocument: JSON.stringify(policy),
    });
    await create("AccessKey", { user: "torn" });
    await iamRequest("CreateAccessKey", { UserName: "torn" });
    await kind("User").delete({ ...user, inputs: { ...user.inputs, forceDestroy: true } }, context);
    await expect(iamRequest("GetUser", { UserName: "torn" })).rejects.toThrow("NoSuchEntity");
});

it("is away, stands still or dies when a drill wants that, and comes back with everything", async () => {
    await firstVersion();
    await setStorageFrozen(true);
    expect((await list("writer")).refused).toMatch(/Timeout/);
    await setStorageFrozen(false);
    expect(await list("writer")).toMatchObject({ KeyCount: 1 });

    await stopStorage();
    expect(await list("writer")).toMatchObject({ refused: "EndpointConnectionError" });
    await resumeStorage();
    expect(await list("writer")).toMatchObject({ KeyCount: 1 });

    for (const name of ["s3", "s3-iam", "s3-roles", `s3-${region}`]) {
        await stopService(name);
    }
    await ensureStorage();
    const processes = () => cgroupProcesses(labCgroup("services", `s3-${region}`));
    const before = processes();
    await ensureStorage();
    expect(processes()).toEqual(before);
    expect(serviceState(`s3-${copyRegion}`)).toBe("running");
    expect(await list("writer")).toMatchObject({ KeyCount: 1 });
});

it("removes a bucket with locked objects only when that is forced", async () => {
    const bucket = await create("Bucket", { bucket: "doomed", region, objectLockEnabled: true });
    await create("BucketObjectLockConfiguration", {
        bucket: "doomed",
        region,
        rule: { defaultRetention: { mode: "GOVERNANCE", days: 1 } },
    });
    await ask([
        ["put", "root", "put_object", { Bucket: "doomed", Key: "a/<b> & 'c' ü", Body: "x" }],
        ["again", "root", "put_object", { Bucket: "doomed", Key: "a/<b> & 'c' ü", Body: "y" }],
        ["hide", "root", "delete_object", { Bucket: "doomed", Key: "a/<b> & 'c' ü" }],
        ["begin", "root", "create_multipart_upload", { Bucket: "doomed", Key: "parts" }],
    ]);
    await expect(kind("Bucket").delete(bucket, context)).rejects.toThrow("BucketNotEmpty");
    const forced = { ...bucket, inputs: { ...bucket.inputs, forceDestroy: true } };
    await kind("Bucket").delete(forced, context);
    expect(await kind("Bucket").read(bucket, context)).toBeUndefined();
    await create("Bucket", { bucket: "doomed", region });
});

it("keeps an object that the program gives, and removes it with all of its versions", async () => {
    const [key, other] = ["relay/0a1b", "relay/0a1b2c"];
    await create("Bucket", { bucket: "given", region });
    await create("BucketVersioning", {
        ...{ bucket: "given", region },
        versioningConfiguration: { status: "Enabled" },
    });
    const object = { bucket: "given", region, key, content: "grüße" };
    const made = await create("BucketObjectv2", object);
    await create("BucketObjectv2", { ...object, key: other });
    const read = (Key: string) => one("root", "get_object", { Bucket: "given", Key });
    expect(await read(key)).toMatchObject({ Body: "grüße", VersionId: made.outputs.versionId });
    await kind("BucketObjectv2").update(made, { ...object, content: "x" }, context);
    expect(await read(key)).toMatchObject({ Body: "x" });
    await ask([["hide", "root", "delete_object", { Bucket: "given", Key: key }]]);
    await kind("BucketObjectv2").delete(made, context);
    expect(await kind("BucketObjectv2").read(made, context)).toBeUndefined();
    const { Versions = [], DeleteMarkers = [] } = await one("root", "list_object_versions", {
        Bucket: "given",
    });
    expect((Versions as { Key: string }[]).map(({ Key }) => Key)).toEqual([other]);
    expect(DeleteMarkers).toEqual([]);
    await removeBucket("given");
});

it("lets an instance do what its role permits, with the keys of its metadata, and nothing else", async () => {
    const [bucket, role, instance] = ["radio-test-artefacts", "relay", "i-0123456789abcdef0"];
    await create("Bucket", { bucket, region });
    await create("BucketPolicy", { bucket, region, policy: JSON.stringify(tlsOnlyPolicy(bucket)) });
    const own = { Bucket: bucket, Key: "relay/0a1b" };
    await ask([
        ["own", "root", "put_object", { ...own, Body: "delivery" }],
        ["beside", "root", "put_object", { Bucket: bucket, Key: "other", Body: "closed" }],
    ]);
    const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } };
    await create("Role", {
        name: role,
        assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
    });
    const right = { Effect: "Allow", Action: ["s3:GetObject"], Resource: [`arn:aws:s3:::${bucket}/relay/*`] };
    await create("RolePolicy", {
        ...{ name: "own", role },
        policy: JSON.stringify({ Version: "2012-10-17", Statement: [right] }),
    });
    instances.put(instance, {
        ...{ urn: "urn:test", region, id: instance, group: "g", name: "relay-1", zone: `${region}a` },
        ...{ subnetId: "s", address: "192.0.2.1", privateAddress: "10.0.0.1", templateId: "lt" },
        ...{ templateVersion: 1, lifecycle: "InService", booted: true, launchedAt: 0 },
    });
    const { id, secret, token } = sessionKeys({ instance, role, expires: Date.now() + 3_600_000 });
    const stranger = sessionKeys({ instance: "i-0", role, expires: Date.now() + 3_600_000 });
    keys.instance = [id, secret, token];
    keys.tokenless = [id, secret];
    keys.stranger = [stranger.id, stranger.secret, stranger.token];
    keys.wrong = [id, stranger.secret, token];
    const answers = await ask([
        ["own", "instance", "get_object", own],
        ["beside", "instance", "get_object", { Bucket: bucket, Key: "other" }],
        ["foreign", "instance", "get_object", { Bucket: shows, Key: show.Key }],
        ["list", "instance", "list_objects_v2", { Bucket: bucket }],
        ["write", "instance", "put_object", { ...own, Body: "x" }],
        ["delete", "instance", "delete_object", own],
        ["writer", "writer", "get_object", own],
        ["nobody", null, "get_object", own],
        ["tokenless", "tokenless", "get_object", own],
        ["stranger", "stranger", "get_object", own],
        ["wrong", "wrong", "get_object", own],
    ]);
    expect(answers.own).toMatchObject({ Body: "delivery" });
    const denied = ["beside", "foreign", "list", "write", "delete", "writer", "nobody"];
    expect(denied.map((label) => [label, answers[label]?.refused])).toEqual(
        denied.map((label) => [label, "AccessDenied"]),
    );
    expect(answers.tokenless).toMatchObject({ refused: "InvalidAccessKeyId" });
    expect(answers.stranger).toMatchObject({ refused: "InvalidToken" });
    expect(answers.wrong).toMatchObject({ refused: "SignatureDoesNotMatch" });
    // Keys end with their instance.
    instances.remove(instance);
    expect(await one("instance", "get_object", own)).toMatchObject({ refused: "InvalidToken" });
    await removeBucket(bucket);
});

it("keeps a forgotten bucket that has objects, for the next program that makes it", async () => {
    const known = new Set([shows, archive, `${shows}-copy`].map((name) => `aws:s3/bucket:Bucket ${name}`));
    await ask([["put", "root", "put_object", { Bucket: foreign, Key: "k", Body: "x" }]]);
    const warnings = jest.spyOn(console, "warn").mockImplementation(() => undefined);
    await sweepBuckets(known);
    expect(buckets.ids()).toEqual([archive, shows, `${shows}-copy`, foreign].sort());
    expect(warnings).toHaveBeenCalledWith(expect.stringContaining(foreign));
    warnings.mockRestore();
    await create("Bucket", { bucket: foreign, region, objectLockEnabled: true });
    expect(await one("root", "get_object", { Bucket: foreign, Key: "k" })).toMatchObject({ Body: "x" });
});
