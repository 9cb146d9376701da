/** TLS port that machines of the station pull from: Relays from Masters, Masters from each other. */
export const linkPort = 8443;

/** Whom a machine logs in as to pull. Each generation of the link password has a user: Icecast takes one password from each. */
export function linkUser(generation: number): string {
    return `relay-${generation}`;
}

/**
 * How many Relays of a region a lower tier pulls from. Each costs a Relay one more stream of every mount; two survive the
 * loss of one.
 */
export const upstreamsPerPool = 2;

/** Somewhere to pull channels from, over TLS: a Master, or a Relay of the tier above. */
export interface Upstream {
    /** `a`, `b`, …: part of the local mount names. */
    id: string;
    /** Address or host name. */
    host: string;
    /** TLS port. */
    port: number;
    /** Name in its certificate, checked against the station's own CA. */
    tlsName: string;
}
