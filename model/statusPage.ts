/** Parts of the status page that may be private. What is on air, and the players, everyone sees. */
export const statusPageParts = [
    "listeners",
    "relays",
    "history",
    "availability",
    "masters",
    "sources",
    "backup",
    "alerts",
    "bill",
] as const;

export type StatusPagePart = (typeof statusPageParts)[number];
