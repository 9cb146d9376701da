/** S3's limit of a bucket's name, in characters. */
export const bucketNameLimit = 63;

/** Of the backup, what is kept apart: shows are public in the end, dumps and configuration are not. */
export const backupKinds = ["shows", "archive"] as const;

export type BackupKind = (typeof backupKinds)[number];

/** All that a station has buckets for: its backup, what went on air, and what the canary's instances read. */
export type BucketKind = BackupKind | "recordings" | "artefacts";

const copyEnding = "-copy";

/** Characters that the longest ending of a bucket's name takes, `-archive-copy`. */
export const longestBucketSuffix = Math.max(...backupKinds.map((kind) => `-${kind}${copyEnding}`.length));

/** How the names of a station's buckets begin, for example `radio-example-prod`: buckets are named worldwide. */
export function bucketPrefix(domain: string, stack: string): string {
    return `${domain}-${stack}`.toLowerCase().replace(/[^a-z0-9-]/g, "-");
}

/**
 * Name of a bucket, for example `radio-example-prod-shows`; of its copy in the second region,
 * `radio-example-prod-shows-copy`.
 *
 * @throws when S3 would not take the name.
 */
export function bucketName(prefix: string, kind: BucketKind, copy = false): string {
    const name = `${prefix}-${kind}${copy ? copyEnding : ""}`;
    // Whether or not there is a copy, so that one can be added later.
    if (
        prefix.length + longestBucketSuffix > bucketNameLimit ||
        !/^[a-z0-9][a-z0-9-]*$/.test(name) ||
        /^(xn--|sthree-|amzn-s3-demo-)/.test(name)
    ) {
        throw new Error(
            `"${name}" cannot be the name of a bucket: give aws.bucketPrefix, at most ` +
                `${bucketNameLimit - longestBucketSuffix} lower-case letters, digits and hyphens, such as my-station-prod`,
        );
    }
    return name;
}
