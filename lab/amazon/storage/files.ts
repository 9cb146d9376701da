import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";

import { z } from "zod";

import { readJson, writeJson } from "../../workstation/files";
import { labPath } from "../../paths";

/*
 * Where the lab's S3 keeps what: in `.lab/storage`, `buckets/<region>` with a folder a bucket, `versions/<region>` with
 * the old ones, `iam` with users and keys, `sockets`, and the root credentials.
 */

const credentials = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
export type Credentials = z.infer<typeof credentials>;

export function storagePath(...parts: string[]): string {
    return labPath("storage", ...parts);
}

export function socketFolder(): string {
    return storagePath("sockets");
}

/** Regions that have had a bucket. */
export function usedRegions(): string[] {
    const folder = storagePath("buckets");
    return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** The account's root, who may everything; made with the first server. @throws when there is none yet. */
export function rootCredentials(): Credentials {
    return credentials.parse(readJson(rootFile()));
}

export function ensureRootCredentials(): Credentials {
    if (!existsSync(rootFile())) {
        writeJson(rootFile(), {
            accessKeyId: newAccessKeyId(),
            secretAccessKey: randomBytes(30).toString("base64"),
        } satisfies Credentials);
    }
    return rootCredentials();
}

/** `AKIA` and 16 characters, as Amazon's. */
export function newAccessKeyId(): string {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    return `AKIA${Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join("")}`;
}

function rootFile(): string {
    return storagePath("root.json");
}
