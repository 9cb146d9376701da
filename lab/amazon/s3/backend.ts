import { createHash } from "node:crypto";

import { ensureStorage } from "../storage";
import { elements, s3Request, StorageError, textOf, type Answer, type S3Request } from "../storage/client";
import { labMode } from "../../cloud/mode";
import { AwsError } from "../compute/api";
import type { BucketRecord, Retention } from "./cloud";

/** What becomes of buckets: what the lab's S3 server can do, it does. */
export interface Backend {
    createBucket(bucket: BucketRecord): Promise<void>;
    exists(bucket: BucketRecord): Promise<boolean>;
    /** Succeeds when it is gone already. @throws BucketNotEmpty. */
    deleteBucket(bucket: BucketRecord): Promise<void>;
    /** Deletes all versions of all objects, those under a governance lock too. */
    emptyBucket(bucket: BucketRecord): Promise<void>;
    setVersioning(bucket: BucketRecord, status: "Enabled" | "Suspended"): Promise<void>;
    /** The lock that new versions get; none when `undefined`. */
    setRetention(bucket: BucketRecord, retention: Retention | undefined): Promise<void>;
    setOwnership(bucket: BucketRecord, ownership: string): Promise<void>;
    setPolicy(bucket: BucketRecord, policy: string | undefined): Promise<void>;
}

/** Checks and records only. */
const recordBackend: Backend = {
    createBucket: async () => {},
    exists: async () => true,
    deleteBucket: async () => {},
    emptyBucket: async () => {},
    setVersioning: async () => {},
    setRetention: async () => {},
    setOwnership: async () => {},
    setPolicy: async () => {},
};

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

async function ask(operation: string, region: string, request: S3Request): Promise<Answer> {
    await ensureStorage(region);
    try {
        return await s3Request(region, request);
    } catch (error) {
        throw error instanceof StorageError
            ? new AwsError(`S3: ${operation}`, error.code, error.said, error.status)
            : error;
    }
}

async function set(
    operation: string,
    { name, region }: BucketRecord,
    aspect: string,
    body: string,
): Promise<void> {
    // Amazon's clients send a checksum of every such body.
    const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
    await ask(operation, region, { method: "PUT", bucket: name, query: { [aspect]: "" }, headers, body });
}

function isRefusal(error: unknown, ...codes: string[]): boolean {
    return error instanceof AwsError && codes.includes(error.code);
}

/** Users have the server's own account in their ARNs; no other part of a policy holds one. */
function forServer(policy: string): string {
    return policy.replace(/"arn:aws:(iam|sts)::\d{12}:/g, '"arn:aws:$1::000000000000:');
}

const storageBackend: Backend = {
    async createBucket({ name, region, objectLock }) {
        const place = `<LocationConstraint>${region}</LocationConstraint>`;
        await ask("CreateBucket", region, {
            method: "PUT",
            bucket: name,
            headers: objectLock ? { "x-amz-bucket-object-lock-enabled": "true" } : {},
            // The first region is the one that must not be named.
            body:
                region === "us-east-1"
                    ? ""
                    : `<CreateBucketConfiguration ${namespace}>${place}</CreateBucketConfiguration>`,
        });
    },

    async exists({ name, region }) {
        try {
            await ask("HeadBucket", region, { method: "HEAD", bucket: name });
            return true;
        } catch (error) {
            // An answer to HEAD has no words.
            if (isRefusal(error, "HTTP 404")) {
                return false;
            }
            throw error;
        }
    },

    async deleteBucket({ name, region }) {
        await ask("DeleteBucket", region, { method: "DELETE", bucket: name }).catch((error: unknown) => {
            if (!isRefusal(error, "NoSuchBucket")) {
                throw error;
            }
        });
    },

    async emptyBucket(bucket) {
        try {
            while ((await deleteSomeVersions(bucket)) > 0) {
                // The next page.
            }
        } catch (error) {
            if (!isRefusal(error, "NoSuchBucket")) {
                throw error;
            }
        }
    },

    setVersioning: (bucket, status) =>
        set(
            "PutBucketVersioning",
            bucket,
            "versioning",
            `<VersioningConfiguration ${namespace}><Status>${status}</Status></VersioningConfiguration>`,
        ),

    async setRetention(bucket, retention) {
        const period =
            retention?.days === undefined
                ? `<Years>${retention?.years ?? ""}</Years>`
                : `<Days>${retention.days}</Days>`;
        const rule =
            retention === undefined
                ? ""
                : `<Rule><DefaultRetention><Mode>${retention.mode}</Mode>${period}</DefaultRetention></Rule>`;
        await set(
            "PutObjectLockConfiguration",
            bucket,
            "object-lock",
            `<ObjectLockConfiguration ${namespace}><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`,
        );
    },

    setOwnership: (bucket, ownership) =>
        set(
            "PutBucketOwnershipControls",
            bucket,
            "ownershipControls",
            `<OwnershipControls ${namespace}><Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule></OwnershipControls>`,
        ),

    async setPolicy(bucket, policy) {
        if (policy !== undefined) {
            await set("PutBucketPolicy", bucket, "policy", forServer(policy));
            return;
        }
        const { name, region } = bucket;
        const request = { method: "DELETE", bucket: name, query: { policy: "" } } as const;
        await ask("DeleteBucketPolicy", region, request).catch((error: unknown) => {
            if (!isRefusal(error, "NoSuchBucket", "NoSuchBucketPolicy")) {
                throw error;
            }
        });
    },
};

/** Deletes a page of versions and delete markers, and returns how many there were. */
async function deleteSomeVersions({ name, region }: BucketRecord): Promise<number> {
    const query = { versions: "", "max-keys": "1000" };
    const { body: listing } = await ask("ListObjectVersions", region, { method: "GET", bucket: name, query });
    const found = [...elements(listing, "Version"), ...elements(listing, "DeleteMarker")];
    if (found.length === 0) {
        return 0;
    }
    // Names go back as they came, escaped.
    const objects = found.map((entry) => {
        const [[key = ""], [version = ""]] = [elements(entry, "Key"), elements(entry, "VersionId")];
        return `<Object><Key>${key}</Key><VersionId>${version}</VersionId></Object>`;
    });
    const body = `<Delete ${namespace}><Quiet>true</Quiet>${objects.join("")}</Delete>`;
    const headers = {
        "content-md5": createHash("md5").update(body).digest("base64"),
        "x-amz-bypass-governance-retention": "true",
    };
    const request = { method: "POST", bucket: name, query: { delete: "" }, headers, body } as const;
    const { body: answer } = await ask("DeleteObjects", region, request);
    const [refused] = elements(answer, "Error");
    if (refused !== undefined) {
        const [code = "", said = ""] = [textOf(refused, "Code"), textOf(refused, "Message")];
        throw new AwsError("S3: DeleteObjects", code, said, 403);
    }
    return found.length;
}

/** The backend of this lab's mode. */
export function backend(): Backend {
    return labMode() === "record" ? recordBackend : storageBackend;
}
