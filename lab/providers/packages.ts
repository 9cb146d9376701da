/** Providers of the lab, one folder each, whose `index.ts` exports the package under this name. */
export const providerNames = ["aws", "cloudflare", "command", "digitalocean", "random", "tls"] as const;
