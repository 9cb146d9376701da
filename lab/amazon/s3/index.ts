import type { ResourceKind } from "../../cloud/kind";
import {
    bucketObjectLockConfiguration,
    bucketOwnershipControls,
    bucketPolicy,
    bucketPublicAccessBlock,
    bucketServerSideEncryptionConfiguration,
    bucketVersioning,
} from "./aspects";
import { bucket } from "./bucket";
import { bucketLifecycleConfiguration } from "./lifecycle";
import { bucketObject } from "./object";
import { bucketReplicationConfig } from "./replication";

/** S3 buckets, what belongs to them, and objects. */
export const s3Kinds: readonly ResourceKind[] = [
    bucket,
    bucketLifecycleConfiguration,
    bucketObject,
    bucketObjectLockConfiguration,
    bucketOwnershipControls,
    bucketPolicy,
    bucketPublicAccessBlock,
    bucketReplicationConfig,
    bucketServerSideEncryptionConfiguration,
    bucketVersioning,
];
