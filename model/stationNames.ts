/** The public names of a station. */
export interface StationNames {
    /** Answered with Relays near the listener. */
    stream: string;
    /** Answered with the Master that sources should connect to. */
    ingest: string;
    /** Answered with one region's Relays, by region. */
    regions: Record<string, string>;
}

/** The names a station has; known before any machine, so that machines can be told. */
export function stationNames(domain: string, regions: string[]): StationNames {
    const stream = `stream.${domain}`;
    return {
        stream,
        ingest: `ingest.${domain}`,
        regions: Object.fromEntries(regions.map((region) => [region, `${region}.${stream}`])),
    };
}

/** Name of the status page. Its certificate is its machine's own. */
export function statusName(domain: string): string {
    return `status.${domain}`;
}

/** Every public name, the best known first. */
export function allNames(names: StationNames): string[] {
    return [names.stream, names.ingest, ...Object.values(names.regions)];
}
