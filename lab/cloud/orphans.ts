/** Records of one kind, and how one of them is taken away with all that belongs to it. */
export interface Swept {
    /** For example `digitalocean:index/droplet:Droplet`. */
    type: string;
    records: { ids(): string[] };
    remove: (id: string) => void | Promise<void>;
    /** The id by which states know it, if that is not its record's. */
    knownAs?: (id: string) => string;
}

/**
 * Removes records that no state knows, kind by kind: what needs something else is listed before it.
 *
 * @param known types and ids, such as `digitalocean:index/droplet:Droplet 400000001`.
 */
export async function removeOrphans(known: ReadonlySet<string>, kinds: readonly Swept[]): Promise<void> {
    for (const { type, records, remove, knownAs = (id: string) => id } of kinds) {
        for (const id of records.ids().filter((one) => !known.has(`${type} ${knownAs(one)}`))) {
            await remove(id);
        }
    }
}
