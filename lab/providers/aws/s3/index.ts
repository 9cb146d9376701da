import type { ResourceKind } from "../../kind";

/** S3 buckets and what belongs to them. */
export const s3Kinds: readonly ResourceKind[] = [];
