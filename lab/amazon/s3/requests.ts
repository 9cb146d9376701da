import { createHash, randomUUID } from "node:crypto";

import { labMode } from "../../cloud/mode";
import { AwsError, refuse } from "../errors";
import type { BucketRecord, Retention } from "../records";
import { ensureStorage } from "../storage";
import { elements, s3Request, textOf, type Answer, type S3Request } from "../storage/client";

/* What becomes of buckets: what the lab's S3 server can do, it does. In record mode nothing is asked, and all succeeds. */

type Request = Omit<S3Request, "bucket" | "operation">;

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

const nothing: Answer = { status: 200, headers: {}, body: "" };

/** Asks S3. @returns its answer; undefined where it refuses with one of the codes `unless`. */
async function ask(
    operation: string,
    { name, region }: BucketRecord,
    request: Request,
    ...unless: string[]
): Promise<Answer | undefined> {
    if (labMode() === "record") {
        return nothing;
    }
    await ensureStorage(region);
    try {
        return await s3Request(region, { operation, bucket: name, ...request });
    } catch (error) {
        if (error instanceof AwsError && unless.includes(error.code)) {
            return undefined;
        }
        throw error;
    }
}

/** Amazon's clients send a checksum of every such body. */
function checksum(body: string): Record<string, string> {
    return { "content-md5": createHash("md5").update(body).digest("base64") };
}

async function set(operation: string, bucket: BucketRecord, aspect: string, body: string): Promise<void> {
    await ask(operation, bucket, { method: "PUT", query: { [aspect]: "" }, headers: checksum(body), body });
}

export async function createBucket(bucket: BucketRecord): Promise<void> {
    const place = `<LocationConstraint>${bucket.region}</LocationConstraint>`;
    await ask("CreateBucket", bucket, {
        method: "PUT",
        headers: bucket.objectLock ? { "x-amz-bucket-object-lock-enabled": "true" } : {},
        // The first region is the one that must not be named.
        body:
            bucket.region === "us-east-1"
                ? ""
                : `<CreateBucketConfiguration ${namespace}>${place}</CreateBucketConfiguration>`,
    });
}

export async function bucketExists(bucket: BucketRecord): Promise<boolean> {
    // An answer to HEAD has no words.
    return (await ask("HeadBucket", bucket, { method: "HEAD" }, "HTTP 404")) !== undefined;
}

/** Succeeds when it is gone already. @throws BucketNotEmpty. */
export async function deleteBucket(bucket: BucketRecord): Promise<void> {
    await ask("DeleteBucket", bucket, { method: "DELETE" }, "NoSuchBucket");
}

/** What is known of an object once it is there. */
interface Uploaded {
    /** MD5 of its content, in hexadecimal. */
    etag: string;
    versionId?: string;
}

export async function putObject(
    bucket: BucketRecord,
    object: { key: string; content: string; contentType: string },
): Promise<Uploaded> {
    const { key, content: body, contentType } = object;
    const headers = { ...checksum(body), "content-type": contentType };
    const answer = await ask("PutObject", bucket, { method: "PUT", key, headers, body });
    const etag = createHash("md5").update(body).digest("hex");
    if (labMode() === "record") {
        return { etag, ...(bucket.versioning === "Enabled" && { versionId: randomUUID() }) };
    }
    const versionId = answer?.headers["x-amz-version-id"];
    return { etag, ...(typeof versionId === "string" && { versionId }) };
}

export async function objectExists(bucket: BucketRecord, key: string): Promise<boolean> {
    // An answer to HEAD has no words.
    return (await ask("HeadObject", bucket, { method: "HEAD", key }, "HTTP 404")) !== undefined;
}

/** Deletes all versions of an object. */
export async function deleteObject(bucket: BucketRecord, key: string): Promise<void> {
    while ((await deleteSomeVersions(bucket, key)) > 0) {
        // The next page.
    }
}

/** Deletes all versions of all objects, those under a governance lock too. */
export async function emptyBucket(bucket: BucketRecord): Promise<void> {
    while ((await deleteSomeVersions(bucket)) > 0) {
        // The next page.
    }
}

/** Deletes a page of versions and delete markers, of one object perhaps, and returns how many there were. */
async function deleteSomeVersions(bucket: BucketRecord, key?: string): Promise<number> {
    const query = { versions: "", "max-keys": "1000", ...(key !== undefined && { prefix: key }) };
    const listing = await ask("ListObjectVersions", bucket, { method: "GET", query }, "NoSuchBucket");
    const found = ["Version", "DeleteMarker"]
        .flatMap((name) => elements(listing?.body ?? "", name))
        // Other keys may begin the same.
        .filter((entry) => key === undefined || textOf(entry, "Key") === key);
    if (found.length === 0) {
        return 0;
    }
    // Names go back as they came, escaped.
    const objects = found.map((entry) => {
        const [[key = ""], [version = ""]] = [elements(entry, "Key"), elements(entry, "VersionId")];
        return `<Object><Key>${key}</Key><VersionId>${version}</VersionId></Object>`;
    });
    const body = `<Delete ${namespace}><Quiet>true</Quiet>${objects.join("")}</Delete>`;
    const headers = { ...checksum(body), "x-amz-bypass-governance-retention": "true" };
    const answer = await ask("DeleteObjects", bucket, {
        method: "POST",
        query: { delete: "" },
        headers,
        body,
    });
    const [refused] = elements(answer?.body ?? "", "Error");
    if (refused !== undefined) {
        refuse("S3: DeleteObjects", textOf(refused, "Code") ?? "", textOf(refused, "Message") ?? "", 403);
    }
    return found.length;
}

export async function setVersioning(bucket: BucketRecord, status: "Enabled" | "Suspended"): Promise<void> {
    const body = `<VersioningConfiguration ${namespace}><Status>${status}</Status></VersioningConfiguration>`;
    await set("PutBucketVersioning", bucket, "versioning", body);
}

/** The lock that new versions get; none when `undefined`. */
export async function setRetention(bucket: BucketRecord, retention: Retention | undefined): Promise<void> {
    const { mode, days, years } = retention ?? {};
    const period = days === undefined ? `<Years>${years}</Years>` : `<Days>${days}</Days>`;
    const rule =
        retention === undefined
            ? ""
            : `<Rule><DefaultRetention><Mode>${mode}</Mode>${period}</DefaultRetention></Rule>`;
    const body = `<ObjectLockConfiguration ${namespace}><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
    await set("PutObjectLockConfiguration", bucket, "object-lock", body);
}

export async function setOwnership(bucket: BucketRecord, ownership: string): Promise<void> {
    const body = `<OwnershipControls ${namespace}><Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule></OwnershipControls>`;
    await set("PutBucketOwnershipControls", bucket, "ownershipControls", body);
}

/** Users have the server's own account in their ARNs; no other part of a policy holds one. */
function forServer(policy: string): string {
    return policy.replace(/"arn:aws:(iam|sts)::\d{12}:/g, '"arn:aws:$1::000000000000:');
}

export async function setPolicy(bucket: BucketRecord, policy: string | undefined): Promise<void> {
    if (policy !== undefined) {
        await set("PutBucketPolicy", bucket, "policy", forServer(policy));
        return;
    }
    const request = { method: "DELETE", query: { policy: "" } } as const;
    await ask("DeleteBucketPolicy", bucket, request, "NoSuchBucket", "NoSuchBucketPolicy");
}
