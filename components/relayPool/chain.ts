import type { ChannelPlan, StreamFormat } from "../../model/channels";
import type { Upstream } from "../../model/links";

/** One mount of a Relay's Icecast, and where its audio comes from. */
export interface Level {
    /** The upstream's id, or `standby` for the Relay's standby audio. */
    name: string;
    /** Icecast's mount: the public one for the preferred upstream, hidden ones for the others. */
    mount: string;
    /** Port on this machine that leads to the upstream; absent for the standby audio, whose source connects by itself. */
    upstreamPort?: number;
    /** Where listeners go when this level has no audio. */
    fallback?: string;
}

/** A public mount with the levels its listeners fall back through, preferred first. */
export interface Chain {
    mount: string;
    title: string;
    contentType: StreamFormat["contentType"];
    /** Audio that a new listener gets at once, in bytes. */
    burstBytes: number;
    /** How far a listener may lag, in bytes. */
    queueBytes: number;
    levels: Level[];
}

/** Links to the upstreams start at this port, on the loopback address only. */
const firstUpstreamPort = 8100;

/** A new listener's buffer: what it lives on while the Relay changes upstreams. Costs as much in delay. */
const burstSeconds = 8;
const queueSeconds = 32;

/** The local port that leads to the upstream at this place of the list. */
export function upstreamPort(upstreamIndex: number): number {
    return firstUpstreamPort + upstreamIndex;
}

/**
 * The fallback chains of a Relay: for every public mount the upstreams in order, then its standby audio.
 *
 * The levels are separate mounts because Icecast 2.4 knows one source a mount; `fallback-mount` joins them without
 * disconnecting a listener, measured at 0.3 s without bytes when the upstream's connection closes.
 */
export function relayChains(channels: ChannelPlan[], upstreams: Upstream[]): Chain[] {
    return channels.flatMap((channel) =>
        channel.formats.map((format) => {
            const mounts = [
                ...upstreams.map((upstream) => `/from-${upstream.id}${format.mount}`),
                `/standby${format.mount}`,
            ];
            mounts[0] = format.mount;
            return {
                mount: format.mount,
                title: channel.title,
                contentType: format.contentType,
                burstBytes: seconds(burstSeconds, format),
                queueBytes: seconds(queueSeconds, format),
                levels: mounts.map((mount, index) => ({
                    name: upstreams[index]?.id ?? "standby",
                    mount,
                    upstreamPort: upstreams[index] && upstreamPort(index),
                    fallback: mounts[index + 1],
                })),
            };
        }),
    );
}

function seconds(count: number, format: StreamFormat): number {
    return (count * format.bitrateKbps * 1000) / 8;
}
