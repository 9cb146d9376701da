import { z } from "zod";

import { awsRegion, type AwsConfig } from "./aws";
import { orNone } from "./orNone";

/**
 * Storage classes that shows may move to as they age: those that play and restore at once.
 *
 * Days: the least age S3 takes, and the least stay it bills (AWS documentation, "Transitioning objects using Amazon S3
 * Lifecycle", 2026-09). Objects move down this list only.
 */
export const storageClasses = {
    STANDARD_IA: { leastAgeDays: 30, leastStayDays: 30 },
    INTELLIGENT_TIERING: { leastAgeDays: 1, leastStayDays: 1 },
    GLACIER_IR: { leastAgeDays: 1, leastStayDays: 90 },
} as const;

export type StorageClass = keyof typeof storageClasses;

const playable = Object.keys(storageClasses).join(", ");

/** Classes that exist and are no place for shows: why. */
const unsuitable: Readonly<Record<string, string>> = {
    STANDARD: "every show starts in STANDARD, so that none can move there",
    ONEZONE_IA: "it keeps shows in one data centre, and loses them with it",
    GLACIER: "a show there can be played only after hours",
    DEEP_ARCHIVE: "a show there can be played only after up to two days",
    REDUCED_REDUNDANCY: "Amazon advises against it",
    EXPRESS_ONEZONE: "S3 cannot move shows there",
};

const isStorageClass = (name: string): name is StorageClass => Object.hasOwn(storageClasses, name);

const storageClass = z.unknown().transform((given, context): StorageClass => {
    if (typeof given === "string" && isStorageClass(given)) {
        return given;
    }
    const why = typeof given === "string" && Object.hasOwn(unsuitable, given) ? `${unsuitable[given]}; ` : "";
    context.addIssue({
        code: "custom",
        input: given,
        message: `${why}use a class from which shows play at once: ${playable}`,
    });
    return z.NEVER;
});

const days = (least: number, most: number, example: number) => {
    const range = `use ${least} to ${most} days, such as ${example}`;
    return z.int({ error: "use a whole number of days" }).min(least, range).max(most, range);
};

const transition = z.strictObject({
    afterDays: days(1, 3650, 30).meta({
        description: "Age of a show when it moves.",
        unit: "days",
        examples: [30],
    }),
    storageClass: storageClass.meta({
        description: "S3 storage class that the show moves to. Shows in these classes can be played at once.",
        type: "string",
        enum: Object.keys(storageClasses),
        examples: ["STANDARD_IA"],
    }),
});

const settings = z.strictObject({
    copyRegion: awsRegion.optional().meta({
        description:
            "A second region of Amazon that holds a copy of everything. If you leave it out, there is no copy.",
        examples: ["eu-west-1"],
    }),
    lockDays: days(1, 3650, 30)
        .default(30)
        .meta({
            description: "How long an object is locked: only an administrator can delete or replace it.",
            unit: "days",
            examples: [30],
        }),
    showClasses: z
        .array(transition)
        .default([
            { afterDays: 30, storageClass: "STANDARD_IA" },
            { afterDays: 90, storageClass: "GLACIER_IR" },
        ])
        .meta({
            description:
                "When shows move to cheaper storage classes, by age. With an empty list they stay in STANDARD.",
        }),
    oldVersionDays: days(1, 3650, 90)
        .default(90)
        .meta({
            description: "How long a show can be restored after it was overwritten or deleted.",
            unit: "days",
            examples: [90],
        }),
    archiveDays: days(1, 3650, 365)
        .default(365)
        .meta({
            description:
                "How long dumps of the database and configurations are kept. Shows are kept for ever.",
            unit: "days",
            examples: [365],
        }),
    abortUploadDays: days(1, 365, 7)
        .default(7)
        .meta({
            description: "Age at which the parts of an unfinished upload are deleted.",
            unit: "days",
            examples: [7],
        }),
    emergencyShowsMiB: z
        .int({ error: "use a whole number of MiB, such as 1024" })
        .min(10, "use 10 to 20480 MiB, such as 1024: about 12 hours at 192 kbit/s")
        .max(20_480, "use 10 to 20480 MiB, such as 1024: about 12 hours at 192 kbit/s")
        .default(1024)
        .meta({
            description:
                "Space on a Master's disk for the emergency shows of one channel. 1024 MiB are about 12 hours at " +
                "192 kbit/s.",
            unit: "MiB",
            examples: [2048],
        }),
    protect: z
        .boolean({ error: "use true or false" })
        .default(true)
        .meta({
            description:
                "Whether Pulumi refuses to remove the buckets and the key of the dumps. Use false only if all of " +
                "them may be lost.",
            examples: [false],
        }),
});

export type BackupConfig = z.output<typeof settings>;

/** Not optional: no station is to be without a backup by accident. */
export const backupSchema = orNone(settings, {
    description:
        "Where shows and the playout's database are kept safe, at Amazon. Write none for a station without a " +
        "backup.",
    remedy:
        "describe the backup, such as `backup: { copyRegion: eu-west-1 }` (`backup: {}` takes the defaults), " +
        "or write `backup: none` to say that the station has none",
});

interface BackedStation {
    aws?: AwsConfig | undefined;
    backup: BackupConfig | "none";
}

/** Adds a mistake for everything about the backup that does not fit together, or does not fit the station. */
export function refuseBackupMistakes(station: BackedStation, context: z.core.$RefinementCtx): void {
    const { backup, aws } = station;
    if (backup === "none") {
        return;
    }
    const refuse = (path: PropertyKey[], input: unknown, message: string): void =>
        context.addIssue({ code: "custom", path, input, message });
    if (aws === undefined) {
        refuse(
            ["aws"],
            aws,
            'the backup is kept at Amazon: give aws: { accountId: "123456789012", region: eu-central-1 }, or write backup: none',
        );
    } else if (backup.copyRegion === aws.region) {
        refuse(
            ["backup", "copyRegion"],
            backup.copyRegion,
            `the originals are in this region too (aws.region); use another one, or leave out the key for no copy`,
        );
    }
    for (const key of ["oldVersionDays", "archiveDays"] as const) {
        if (backup[key] < backup.lockDays) {
            refuse(
                ["backup", key],
                backup[key],
                `objects are locked for ${backup.lockDays} days (lockDays); use ${backup.lockDays} or more`,
            );
        }
    }
    refuseTransitionMistakes(backup, refuse);
}

/** S3 takes transitions only downwards, and only from certain ages on. */
function refuseTransitionMistakes(
    backup: BackupConfig,
    refuse: (path: PropertyKey[], input: unknown, message: string) => void,
): void {
    const order = Object.keys(storageClasses);
    backup.showClasses.forEach((step, index) => {
        const before = index > 0 ? backup.showClasses[index - 1] : undefined;
        const at = (key: keyof typeof step) => ["backup", "showClasses", index, key];
        if (before && order.indexOf(step.storageClass) <= order.indexOf(before.storageClass)) {
            refuse(
                at("storageClass"),
                step.storageClass,
                `shows cannot move here from ${before.storageClass}; put the steps in this order: ${playable}`,
            );
            return;
        }
        const least = Math.max(
            storageClasses[step.storageClass].leastAgeDays,
            before ? before.afterDays + storageClasses[before.storageClass].leastStayDays : 0,
        );
        if (step.afterDays < least) {
            refuse(
                at("afterDays"),
                step.afterDays,
                before
                    ? `shows stay in ${before.storageClass} for at least ${storageClasses[before.storageClass].leastStayDays} days; use ${least} or more`
                    : `shows can move to ${step.storageClass} after ${least} days; use ${least} or more`,
            );
        }
    });
}
