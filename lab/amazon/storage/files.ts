import { existsSync, readdirSync } from "node:fs";

import { labPath } from "../../paths";

/*
 * Where the lab's S3 keeps what: in `.lab/storage`, `buckets/<region>` with a folder a bucket, `versions/<region>` with
 * the old ones, `iam` with users and keys, and `sockets`.
 */

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
