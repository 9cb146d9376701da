import type { ResourceKind } from "../../kind";

/** Users, roles and what they may do. */
export const iamKinds: readonly ResourceKind[] = [];
