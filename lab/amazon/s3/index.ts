import type { ResourceKind } from "../../cloud/kind";
import { bucketOwnershipControls, bucketPolicy, bucketPublicAccessBlock } from "./access";
import { bucket } from "./bucket";
import { bucketLifecycleConfiguration } from "./lifecycle";
import {
    bucketObjectLockConfiguration,
    bucketServerSideEncryptionConfiguration,
    bucketVersioning,
} from "./protection";
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
