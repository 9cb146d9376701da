import type { Properties } from "../cloud/kind";

/* What Amazon's provider is configured with, for all of its kinds. */

/** The account that the lab's cloud is, unless the provider's settings allow another only. */
export const labAccount = "000000000000";

/** Where a handler finds the provider's settings. */
interface Configured {
    settings?: Properties;
}

/** The account: the first that the provider is allowed to work in. */
export function accountFor({ settings }: Configured): string {
    const given = settings?.allowedAccountIds;
    // SDKs send lists in a provider's settings as JSON.
    const list: unknown = typeof given === "string" ? JSON.parse(given) : given;
    const first: unknown = Array.isArray(list) ? list[0] : undefined;
    return typeof first === "string" ? first : labAccount;
}
