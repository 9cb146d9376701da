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
import { bucketReplicationConfig } from "./replication";

/** S3 buckets and what belongs to them. */
export const s3Kinds: readonly ResourceKind[] = [
    bucket,
    bucketLifecycleConfiguration,
    bucketObjectLockConfiguration,
    bucketOwnershipControls,
    bucketPolicy,
    bucketPublicAccessBlock,
    bucketReplicationConfig,
    bucketServerSideEncryptionConfiguration,
    bucketVersioning,
];
