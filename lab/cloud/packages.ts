/** Providers of the lab: their names, and the folders below `lab/` whose `index.ts` exports them under these names. */
export const providerFolders = {
    aws: "amazon",
    cloudflare: "cloudflare",
    command: "cloudless/command",
    digitalocean: "digitalocean",
    random: "cloudless/random",
    tls: "cloudless/tls",
} as const;

export type ProviderName = keyof typeof providerFolders;

export const providerNames = Object.keys(providerFolders) as ProviderName[];
