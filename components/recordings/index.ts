import * as pulumi from "@pulumi/pulumi";

import { bucketName } from "../../model/bucketNames";
import { recordingsLockDays } from "../../model/recordings";
import { cleaningRule } from "../privateBucket/lifecycle";
import { LockedBucket } from "../privateBucket/lockedBucket";
import { createS3User, type S3Key } from "../privateBucket/user";
import { recorderPolicy, recordingsReaderPolicy } from "./policies";

export interface RecordingsArgs {
    /** How names of buckets and users begin, for example `radio-example-prod`. */
    bucketPrefix: string;
    /** Amazon's region of the bucket. */
    region: string;
    /** Ids of the Masters that record, for example `a`. */
    masters: readonly string[];
    /** How long a recording is kept, in days. */
    days: number;
    /** Whether Pulumi refuses to remove the bucket with all that protects it, also by replacing it. */
    protect: boolean;
    /** Generation of the keys, 1 or more. */
    keyGeneration: number;
}

/** When the parts of a broken upload go, in days. */
const brokenUploadDays = 1;

/**
 * Where recordings of what went on air are kept: a bucket whose objects expire by themselves, a key for each Master that
 * reaches nothing but its own, and one that reads.
 *
 * `hours/<master>/<channel>/<day>/<time>.<disk>.mp3` is an hour of a channel, or what of it a Master has, with a `.json`
 * beside it; `takes/` holds the hour that is under way.
 */
export class Recordings extends pulumi.ComponentResource {
    /** S3's name of the bucket. */
    public readonly bucketName: string;
    /** Amazon's region of the bucket. */
    public readonly region: string;
    /** How long a recording is kept, in days. */
    public readonly days: number;
    /** By the Master's id. */
    public readonly writers: Readonly<Record<string, S3Key>>;
    /** Reads all Masters' recordings. */
    public readonly reader: S3Key;

    constructor(name: string, args: RecordingsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:Recordings", name, { region: args.region, days: args.days }, opts);
        const { bucketPrefix, keyGeneration } = args;
        this.region = args.region;
        this.days = args.days;
        this.bucketName = bucketName(bucketPrefix, "recordings");
        new LockedBucket(
            `${name}-bucket`,
            {
                bucketName: this.bucketName,
                lockDays: recordingsLockDays,
                lifecycle: [
                    { id: "recordings", status: "Enabled", filter: {}, expiration: { days: args.days } },
                    cleaningRule({ oldVersions: recordingsLockDays, brokenUploads: brokenUploadDays }),
                ],
            },
            { parent: this, protect: args.protect },
        );
        this.writers = Object.fromEntries(
            args.masters.map((id) => [
                id,
                createS3User(
                    `${name}-recorder-${id}`,
                    {
                        userName: `${bucketPrefix}-recorder-${id}`,
                        policy: recorderPolicy(this.bucketName, id),
                        keyGeneration,
                    },
                    this,
                ),
            ]),
        );
        this.reader = createS3User(
            `${name}-reader`,
            {
                userName: `${bucketPrefix}-recordings-reader`,
                policy: recordingsReaderPolicy(this.bucketName),
                keyGeneration,
            },
            this,
        );
        this.registerOutputs({ bucket: this.bucketName });
    }

    /** A Master's key. @throws for a Master that does not record. */
    public writerOf(id: string): S3Key {
        const writer = this.writers[id];
        if (!writer) {
            throw new pulumi.ResourceError(`Master ${id} records nothing`, this);
        }
        return writer;
    }
}
