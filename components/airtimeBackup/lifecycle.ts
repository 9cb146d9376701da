import type { BackupKind } from "../../model/bucketNames";
import { cleaningRule, type LifecycleRule } from "../privateBucket/lifecycle";

/** A step to a cheaper storage class. */
export interface Transition {
    /** Age of the object, in days. */
    afterDays: number;
    /** S3's name of the class, for example `STANDARD_IA`. */
    storageClass: string;
}

/** For how long what is kept, and where. All in days. */
export interface Keeping {
    /** Nobody but an administrator deletes or replaces a version before. */
    lockDays: number;
    /** Steps of shows to cheaper classes, youngest first. */
    showClasses: readonly Transition[];
    /** How long a version stays after it was overwritten or deleted. */
    oldVersionDays: number;
    /** How long dumps and configurations are kept. */
    archiveDays: number;
    /** When the parts of a broken upload go. */
    abortUploadDays: number;
}

/** Where dumps and configurations are in the archive; its manifest is no part of them, and stays. */
const expiring = ["database/", "configuration/"];

/**
 * Dumps move to the cheaper class if they stay there for the 30 days that are billed at least. S3 leaves objects below
 * 128 KiB where they are.
 */
const archiveClass: Transition = { afterDays: 30, storageClass: "STANDARD_IA" };
const archiveClassStayDays = 30;

/**
 * What becomes of a bucket's objects with age.
 *
 * Shows never expire. Old versions do, but never before their lock ends, whatever the plan says.
 */
export function lifecycleRules(kind: BackupKind, keeping: Keeping): LifecycleRule[] {
    const aging = kind === "shows" ? showRules(keeping) : archiveRules(keeping);
    return [
        ...aging,
        cleaningRule({
            oldVersions: Math.max(keeping.oldVersionDays, keeping.lockDays),
            brokenUploads: keeping.abortUploadDays,
        }),
    ];
}

function showRules({ showClasses }: Keeping): LifecycleRule[] {
    if (showClasses.length === 0) {
        return [];
    }
    return [
        { id: "cheaper", status: "Enabled", filter: { prefix: "shows/" }, transitions: steps(showClasses) },
    ];
}

function archiveRules({ archiveDays, lockDays }: Keeping): LifecycleRule[] {
    const days = Math.max(archiveDays, lockDays);
    const transitions = days >= archiveClass.afterDays + archiveClassStayDays ? [archiveClass] : [];
    return expiring.map((prefix) => ({
        id: prefix.replace("/", ""),
        status: "Enabled",
        filter: { prefix },
        ...(transitions.length > 0 && { transitions: steps(transitions) }),
        expiration: { days },
    }));
}

function steps(transitions: readonly Transition[]): { days: number; storageClass: string }[] {
    return transitions.map(({ afterDays, storageClass }) => ({ days: afterDays, storageClass }));
}
