/** A rule as `BucketLifecycleConfiguration` takes it. */
export interface LifecycleRule {
    id: string;
    status: "Enabled";
    filter: { prefix?: string };
    transitions?: { days: number; storageClass: string }[];
    expiration?: { days?: number; expiredObjectDeleteMarker?: boolean };
    noncurrentVersionExpiration?: { noncurrentDays: number };
    abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
}

/**
 * What every bucket with versions needs, or it grows for ever.
 *
 * @param days.oldVersions how long a version stays after it was overwritten or deleted.
 * @param days.brokenUploads age at which the parts of an unfinished upload go.
 */
export function cleaningRule(days: { oldVersions: number; brokenUploads: number }): LifecycleRule {
    return {
        id: "clean",
        status: "Enabled",
        filter: {},
        noncurrentVersionExpiration: { noncurrentDays: days.oldVersions },
        // Of objects whose versions are all gone.
        expiration: { expiredObjectDeleteMarker: true },
        abortIncompleteMultipartUpload: { daysAfterInitiation: days.brokenUploads },
    };
}
