/** How long a backup keeps what, by the configuration's defaults. */
export const defaultRetention = {
    lockDays: 30,
    showClasses: [
        { afterDays: 30, storageClass: "STANDARD_IA" },
        { afterDays: 90, storageClass: "GLACIER_IR" },
    ],
    oldVersionDays: 90,
    archiveDays: 365,
    abortUploadDays: 7,
} as const;
