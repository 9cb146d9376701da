/** A way into the Master: `studio`, `mobile`, `airtime`. The order of a list is the priority, first heard first. */
export interface SourcePlan {
    /** Lower-case identifier, also the encoder's user name and the end of its mount: `/main-studio`. */
    name: string;
    title: string;
}

/** What an encoder should send, and the playout does, in kbit/s. Better than what listeners get: Masters encode it again. */
export const sourceBitrateKbps = 320;

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

/** The mount a source connects to, for example `/main-studio`. */
export function sourceMount(channelId: string, sourceName: string): string {
    return `/${channelId}-${sourceName}`;
}
