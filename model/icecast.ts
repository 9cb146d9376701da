/** Versions of Icecast that machines can run: Debian's own, and the one of Debian's backports. */
export const icecastVersions = ["2.4", "2.5"] as const;

export type IcecastVersion = (typeof icecastVersions)[number];
