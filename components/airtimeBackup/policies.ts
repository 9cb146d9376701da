import {
    bucketArn,
    objectsArn,
    policyDocument,
    type PolicyDocument,
    type PolicyStatement,
} from "../privateBucket/policies";

/* Who may do what with the station's backup, statement by statement. */

/** Names of the buckets that a policy speaks of. */
export interface BucketNames {
    shows: string;
    archive: string;
}

/** What would undo the backup. No key of the station's may ever do any of it, whatever it is granted elsewhere. */
const undoing = [
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutReplicationConfiguration",
];

function neverUndo(buckets: string[]): PolicyStatement {
    return {
        Sid: "NeverUndo",
        Effect: "Deny",
        Action: undoing,
        Resource: buckets.flatMap((bucket) => [bucketArn(bucket), objectsArn(bucket)]),
    };
}

/**
 * The writer on the playout: it adds, and lists what is there.
 *
 * - No right to retention: the bucket's own default locks what it writes. With the right, a stolen key could shorten
 *   locks it made, or lock rubbish for a hundred years.
 * - No right to read, not even by HEAD, for which S3 asks the same right: its own upload it knows by S3's answer, which
 *   has verified the hash; what is there already, the playout asks with the reader's key.
 * - No right to abort uploads: broken ones go by the bucket's lifecycle.
 */
export function writerPolicy({ shows, archive }: BucketNames): PolicyDocument {
    return policyDocument(
        { Sid: "List", Effect: "Allow", Action: "s3:ListBucket", Resource: [shows, archive].map(bucketArn) },
        { Sid: "Add", Effect: "Allow", Action: "s3:PutObject", Resource: [shows, archive].map(objectsArn) },
        neverUndo([shows, archive]),
    );
}

/** The reader for audits and restores: every version of everything, also in the copies, and the locks' state. */
export function readerPolicy(originals: BucketNames, copies?: BucketNames): PolicyDocument {
    const buckets = [originals, copies].flatMap((names) => (names ? [names.shows, names.archive] : []));
    return policyDocument(
        {
            Sid: "List",
            Effect: "Allow",
            Action: [
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketVersioning",
                "s3:ListBucket",
                "s3:ListBucketVersions",
            ],
            Resource: buckets.map(bucketArn),
        },
        {
            Sid: "Read",
            Effect: "Allow",
            Action: ["s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion"],
            Resource: buckets.map(objectsArn),
        },
    );
}

/** The Masters' reader of emergency shows: what is current in the bucket of shows, and nothing else. */
export function showsReaderPolicy(shows: string): PolicyDocument {
    return policyDocument(
        { Sid: "List", Effect: "Allow", Action: "s3:ListBucket", Resource: [bucketArn(shows)] },
        { Sid: "Read", Effect: "Allow", Action: "s3:GetObject", Resource: [objectsArn(shows)] },
    );
}

/** Who may copy: S3 itself. */
export function replicationTrust(): PolicyDocument {
    return policyDocument({
        Sid: "S3",
        Effect: "Allow",
        Principal: { Service: "s3.amazonaws.com" },
        Action: "sts:AssumeRole",
    });
}

/** What S3 needs to copy versions with their locks. It cannot delete in the copies: deletions are not copied. */
export function replicationPolicy(originals: BucketNames, copies: BucketNames): PolicyDocument {
    const from = [originals.shows, originals.archive];
    return policyDocument(
        {
            Sid: "Look",
            Effect: "Allow",
            Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            Resource: from.map(bucketArn),
        },
        {
            Sid: "ReadVersions",
            Effect: "Allow",
            Action: [
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            Resource: from.map(objectsArn),
        },
        {
            Sid: "WriteCopies",
            Effect: "Allow",
            Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
            Resource: [copies.shows, copies.archive].map(objectsArn),
        },
    );
}
