import * as iam from "@pulumi/aws/iam";
import * as s3 from "@pulumi/aws/s3";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { backupKinds, bucketName, type BackupKind } from "../../model/bucketNames";
import { LockedBucket } from "../privateBucket/lockedBucket";
import type { PolicyDocument } from "../privateBucket/policies";
import { createS3User, type S3Key } from "../privateBucket/user";
import { lifecycleRules } from "./lifecycle";
import { backupInventory, type BackupPlan, type BucketPlace, type ProtectedItem } from "./plan";
import {
    readerPolicy,
    replicationPolicy,
    replicationTrust,
    showsReaderPolicy,
    writerPolicy,
    type BucketNames,
} from "./policies";

export interface AirtimeBackupArgs extends BackupPlan {
    /**
     * Whether Pulumi refuses to remove the buckets with all that protects them, and the key of the dumps, also by
     * replacing them. False only where all of it may be lost. Keys of users stay replaceable.
     */
    protect: boolean;
    /** Generation of the users' keys, 1 or more. Another number makes new keys; the old ones go when machines have those. */
    keyGeneration: number;
}

/**
 * Where a station's shows, and its playout's database and configuration, are safe: two buckets whose objects nobody
 * can delete or replace for a time, copies in a second region where configured, and keys that can each do one thing.
 *
 * What machines put into the archive is encrypted beforehand, by `age` to an SSH key of this component's: dumps hold
 * people's data and hashes of passwords. Not by restic, which needs to delete its locks, and the writer deletes
 * nothing. The private half is in Pulumi's state, and on machines that restore; without it the dumps are lost.
 *
 * Everything goes to the provider given in the options; the copies to the second region by that same provider.
 */
export class AirtimeBackup extends pulumi.ComponentResource {
    public readonly buckets: Record<BackupKind, BucketPlace>;
    /** In the second region; undefined where the station has none. */
    public readonly copies: Record<BackupKind, BucketPlace> | undefined;
    /** Adds to both buckets, and lists them. For the playout. */
    public readonly writer: S3Key;
    /** Reads every version in both buckets and in the copies. For audits and restores on the playout. */
    public readonly reader: S3Key;
    /** Reads what is current in the bucket of shows. For the Masters' emergency shows. */
    public readonly showsReader: S3Key;
    /** The line that `age` encrypts to, `ssh-ed25519 …`. */
    public readonly recipient: pulumi.Output<string>;
    /** Secret: the OpenSSH private key that `age` decrypts with. */
    public readonly privateKey: pulumi.Output<string>;
    private readonly plan: BackupPlan;

    constructor(name: string, args: AirtimeBackupArgs, opts?: pulumi.ComponentResourceOptions) {
        const { protect, keyGeneration, ...plan } = args;
        super("aerial:index:AirtimeBackup", name, { region: plan.region, copyRegion: plan.copyRegion }, opts);
        this.plan = plan;
        this.buckets = places(plan.bucketPrefix, plan.region, false);
        const originals = this.createBuckets(name, this.buckets, plan, protect);
        if (plan.copyRegion !== undefined) {
            this.copies = places(plan.bucketPrefix, plan.copyRegion, true);
            const copies = this.createBuckets(`${name}-copy`, this.copies, plan, protect, plan.copyRegion);
            this.replicate(name, originals, copies, protect);
        }

        const names = namesOf(this.buckets);
        const createUser = (role: string, policy: PolicyDocument): S3Key =>
            createS3User(
                `${name}-${role}`,
                { userName: `${plan.bucketPrefix}-${role}`, policy, keyGeneration },
                this,
            );
        this.writer = createUser("writer", writerPolicy(names));
        this.reader = createUser("reader", readerPolicy(names, this.copies && namesOf(this.copies)));
        this.showsReader = createUser("shows-reader", showsReaderPolicy(names.shows));

        const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ED25519" }, { parent: this, protect });
        this.recipient = key.publicKeyOpenssh.apply((line) => line.trim());
        this.privateKey = pulumi.secret(key.privateKeyOpenssh);
        this.registerOutputs({ recipient: this.recipient });
    }

    /** What is protected, where and how long; for the stack's outputs. */
    public inventory(): ProtectedItem[] {
        return backupInventory(this.plan);
    }

    private createBuckets(
        name: string,
        buckets: Record<BackupKind, BucketPlace>,
        keeping: BackupPlan,
        protect: boolean,
        region?: string,
    ): Record<BackupKind, LockedBucket> {
        const create = (kind: BackupKind) =>
            new LockedBucket(
                `${name}-${kind}`,
                {
                    bucketName: buckets[kind].name,
                    region,
                    lockDays: keeping.lockDays,
                    lifecycle: lifecycleRules(kind, keeping),
                },
                { parent: this, protect },
            );
        return { shows: create("shows"), archive: create("archive") };
    }

    /** New versions go to the second region, with their locks. Deletions do not. */
    private replicate(
        name: string,
        originals: Record<BackupKind, LockedBucket>,
        copies: Record<BackupKind, LockedBucket>,
        protect: boolean,
    ): void {
        const child = { parent: this, protect };
        const role = new iam.Role(
            `${name}-replication`,
            {
                name: `${this.plan.bucketPrefix}-replication`,
                description: "S3 copies the station's backup to the second region",
                assumeRolePolicy: JSON.stringify(replicationTrust()),
            },
            child,
        );
        const rights = new iam.RolePolicy(
            `${name}-replication`,
            {
                role: role.name,
                policy: JSON.stringify(
                    replicationPolicy(
                        { shows: originals.shows.bucketName, archive: originals.archive.bucketName },
                        { shows: copies.shows.bucketName, archive: copies.archive.bucketName },
                    ),
                ),
            },
            child,
        );
        for (const kind of backupKinds) {
            new s3.BucketReplicationConfig(
                `${name}-${kind}-replication`,
                {
                    bucket: originals[kind].bucketName,
                    role: role.arn,
                    rules: [
                        {
                            id: "copy",
                            status: "Enabled",
                            priority: 1,
                            filter: {},
                            deleteMarkerReplication: { status: "Disabled" },
                            destination: { bucket: copies[kind].arn },
                        },
                    ],
                },
                {
                    ...child,
                    dependsOn: [rights, originals[kind].versioning, copies[kind].versioning],
                },
            );
        }
    }
}

function places(prefix: string, region: string, copy: boolean): Record<BackupKind, BucketPlace> {
    const place = (kind: BackupKind) => ({ name: bucketName(prefix, kind, copy), region });
    return { shows: place("shows"), archive: place("archive") };
}

function namesOf(buckets: Record<BackupKind, BucketPlace>): BucketNames {
    return { shows: buckets.shows.name, archive: buckets.archive.name };
}
