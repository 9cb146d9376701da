import type { ChannelPlan, StreamFormat } from "../../model/channels";

/** A public mount as a Relay serves it. */
export interface RelayMount {
    mount: string;
    title: string;
    contentType: StreamFormat["contentType"];
    /** Audio that a new listener gets at once, in bytes. */
    burstBytes: number;
    /** How far a listener may lag, in bytes. */
    queueBytes: number;
    /** Audio between two places for a title, in bytes. */
    titleBytes: number;
    /** Audio that NGINX passes on at once, in KiB; what there is, where it is absent. */
    bufferKiB?: number;
    /** Name of the loop of standby audio in this format. */
    standby: string;
}

/** What a new listener's player has in hand from the start. Costs as much in delay. */
export const burstSeconds = 8;
const queueSeconds = 32;
/** A title is as punctual as this. Icecast's 16,000 bytes would be 2 s at 64 kbit/s. */
const titleSeconds = 0.25;
/** Less than what a Relay of the tier below takes for a stall (`edge.stallSeconds`). */
const bufferSeconds = 0.5;

/** The public mounts, in the order of the channels and their formats. */
export function relayMounts(channels: ChannelPlan[]): RelayMount[] {
    return channels.flatMap((channel) =>
        channel.formats.map((format) => ({
            mount: format.mount,
            title: channel.title,
            contentType: format.contentType,
            burstBytes: bytes(burstSeconds, format),
            queueBytes: bytes(queueSeconds, format),
            titleBytes: bytes(titleSeconds, format),
            // MP3 has its bitrate whatever it plays. Of digital silence, AAC is 0.6 kB a second: a buffer would take 7 s.
            ...(format.codec === "mp3" && {
                bufferKiB: Math.ceil(bytes(bufferSeconds, format) / 1024),
            }),
            standby: standbyLoop(format),
        })),
    );
}

/** Name of the loop of standby audio that mounts of a codec and a bitrate share. */
export function standbyLoop({ codec, bitrateKbps }: StreamFormat): string {
    return `${codec}-${bitrateKbps}`;
}

function bytes(seconds: number, format: StreamFormat): number {
    return (seconds * format.bitrateKbps * 1000) / 8;
}
