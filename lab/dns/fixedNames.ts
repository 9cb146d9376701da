/** Names of the lab itself, which no program declares: servers of the outside world. */
export const fixedNames: Readonly<Record<string, string>> = {
    // Where certificates come from.
    "acme.test": "198.19.255.80",
};
