/** TLS port that machines of the station pull from: Relays from Masters, Masters from each other. */
export const linkPort = 8443;

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
