/**
 * Identifiers of channels, sources and Masters: they become parts of paths, mounts, units and names of secrets. The
 * configuration takes up to 24 characters.
 */
export function isIdentifier(text: string): boolean {
    return /^[a-z][a-z0-9-]*$/.test(text);
}
