/** Values that several components share: what a channel is, what it is sent as, where it comes from. */

/** One encoding of a channel, as listeners fetch it. */
export interface StreamFormat {
    codec: "mp3" | "aac";
    /** Constant bitrate in kbit/s. */
    bitrateKbps: number;
    /** Public path, for example `/main.mp3`; the same on Masters and Relays. */
    mount: string;
    /** MIME type of the stream. */
    contentType: "audio/mpeg" | "audio/aac";
}

export interface ChannelPlan {
    /** Lower-case identifier, `[a-z][a-z0-9-]*`. */
    id: string;
    /** Name that players show. */
    title: string;
    formats: StreamFormat[];
}

/** A way into the Master: `studio`, `mobile`, `airtime`. The order of a list is the priority, first heard first. */
export interface SourcePlan {
    /** Lower-case identifier, also the encoder's user name and the end of its mount: `/main-studio`. */
    name: string;
    title: string;
}

/** When a source that sends silence counts as absent. */
export interface SilencePlan {
    /** False for a quiet concert: silence is then a programme like any other. */
    detect: boolean;
    /** Level below which it is silence, in dB, for example -40. */
    thresholdDb: number;
    /** Silence of this length makes the source absent, in seconds. */
    afterSeconds: number;
    /** Sound of this length makes it present again, in seconds. */
    returnAfterSeconds: number;
}

/** TLS port that machines of the station pull from: Relays from Masters, Masters from each other. */
export const linkPort = 8443;

/** TLS port at which Masters hand the public certificate to the station's own machines. */
export const bundlePort = 8444;

/** Where public certificates come from. */
export interface AcmePlan {
    directoryUrl: string;
    email: string;
}

/** The public names of a station. */
export interface StationNames {
    /** Answered with Relays near the listener. */
    stream: string;
    /** Answered with the Master that sources should connect to. */
    ingest: string;
    /** Answered with one region's Relays, by region. */
    regions: Record<string, string>;
}

/** Every public name, the best known first. */
export function allNames(names: StationNames): string[] {
    return [names.stream, names.ingest, ...Object.values(names.regions)];
}

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

/** The mount a source connects to, for example `/main-studio`. */
export function sourceMount(channelId: string, sourceName: string): string {
    return `/${channelId}-${sourceName}`;
}
