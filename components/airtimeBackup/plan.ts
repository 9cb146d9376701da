import { bucketName, type BackupKind } from "../../model/bucketNames";
import type { Keeping } from "./lifecycle";

/** Where a bucket is. */
export interface BucketPlace {
    name: string;
    /** Amazon's region, for example `eu-central-1`. */
    region: string;
}

/** One thing that is protected: what, where and for how long, for people. */
export interface ProtectedItem {
    what: string;
    /** How keys of its objects begin, in words. */
    keys: string;
    bucket: BucketPlace;
    /** The copy in a second region; null where the station has none. */
    copy: BucketPlace | null;
    /** Days in which nobody but an administrator can delete or replace it. */
    lockDays: number;
    /** Days it is kept; null for ever. */
    keptDays: number | null;
    /** Days in which it can be restored after it was overwritten or deleted. */
    oldVersionDays: number;
    /** Encrypted by S3 in any case; what the playout does beforehand. */
    encryption: string;
}

export interface BackupPlan extends Keeping {
    /** How names of buckets begin, for example `radio-example-prod`. */
    bucketPrefix: string;
    /** Amazon's region of the originals. */
    region: string;
    /** Region of the copies, where there are any. */
    copyRegion?: string | undefined;
}

/** Where a bucket of the plan is, or its copy. */
function bucketPlace(plan: BackupPlan, kind: BackupKind, copy: boolean): BucketPlace | null {
    const region = copy ? plan.copyRegion : plan.region;
    return region === undefined ? null : { name: bucketName(plan.bucketPrefix, kind, copy), region };
}

/** All that the backup protects, for the stack's outputs: what, where, how long. Plain values without secrets. */
export function backupInventory(plan: BackupPlan): ProtectedItem[] {
    const oldVersionDays = Math.max(plan.oldVersionDays, plan.lockDays);
    const item = (
        kind: BackupKind,
        rest: Pick<ProtectedItem, "what" | "keys" | "keptDays" | "encryption">,
    ): ProtectedItem => ({
        ...rest,
        bucket: { name: bucketName(plan.bucketPrefix, kind), region: plan.region },
        copy: bucketPlace(plan, kind, true),
        lockDays: plan.lockDays,
        oldVersionDays,
    });
    const archiveDays = Math.max(plan.archiveDays, plan.lockDays);
    const encrypted = "age, to the station's key";
    return [
        item("shows", {
            what: "every show, as plain audio",
            keys: "shows/YYYY/MM/DD/<channel>/<path in the library>",
            keptDays: null,
            encryption: "none: any S3 client plays them",
        }),
        item("archive", {
            what: "dumps of the playout's database",
            keys: "database/YYYY/MM/DD/<time>.dump.age",
            keptDays: archiveDays,
            encryption: encrypted,
        }),
        item("archive", {
            what: "configuration of the playout's machine",
            keys: "configuration/YYYY/MM/DD/<time>.tar.age",
            keptDays: archiveDays,
            encryption: encrypted,
        }),
        item("archive", {
            what: "manifest of all shows with their SHA-256",
            keys: "manifest/shows.json",
            keptDays: null,
            encryption: "none",
        }),
    ];
}
