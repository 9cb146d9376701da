import type { ProviderFunction, ResourceKind } from "../../kind";

/** Networks, machines and groups of them, balancers, parameters, budgets. */
export const computeKinds: readonly ResourceKind[] = [];

export const computeFunctions: readonly ProviderFunction[] = [];
