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

/** What listeners choose: one programme, in one or several formats. */
export interface ChannelPlan {
    /** Lower-case identifier, `[a-z][a-z0-9-]*`. */
    id: string;
    /** Name that players show. */
    title: string;
    formats: StreamFormat[];
}
