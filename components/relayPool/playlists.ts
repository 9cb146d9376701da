import type { ChannelPlan, StreamFormat } from "../../model/channels";
import type { StationNames } from "../../model/stationNames";
import { escapeXml } from "../machine/escape";

/** One playlist, as players fetch it. */
export interface Playlist {
    /** Public path, for example `/main.mp3.m3u`. */
    path: string;
    contentType: string;
    content: string;
}

type Kind = "m3u" | "pls" | "xspf";

/** An address to play, and what players show for it. */
interface Entry {
    url: string;
    title: string;
}

const writers: Record<Kind, (entries: Entry[], title: string) => string> = {
    m3u: (entries) => lines("#EXTM3U", ...entries.flatMap(({ url, title }) => [`#EXTINF:-1,${title}`, url])),
    pls: (entries) =>
        lines(
            "[playlist]",
            `NumberOfEntries=${entries.length}`,
            ...entries.flatMap(({ url, title }, index) => [
                `File${index + 1}=${url}`,
                `Title${index + 1}=${title}`,
                `Length${index + 1}=-1`,
            ]),
            "Version=2",
        ),
    // A track for each: of several locations in one track, players take only the first.
    xspf: (entries, title) =>
        lines(
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<playlist version="1" xmlns="http://xspf.org/ns/0/">',
            `    <title>${escapeXml(title)}</title>`,
            "    <trackList>",
            ...entries.flatMap((entry) => [
                "        <track>",
                `            <location>${escapeXml(entry.url)}</location>`,
                `            <title>${escapeXml(entry.title)}</title>`,
                "        </track>",
            ]),
            "    </trackList>",
            "</playlist>",
        ),
};

const contentTypes: Record<Kind, string> = {
    m3u: "audio/x-mpegurl",
    pls: "audio/x-scpls",
    xspf: "application/xspf+xml",
};

const kinds: readonly Kind[] = ["m3u", "pls", "xspf"];

/** The paths of a mount's playlists. */
export function playlistPaths(mount: string): string[] {
    return kinds.map((kind) => `${mount}.${kind}`);
}

/**
 * Playlists of every mount. They name the address that is near and healthy first, then each region's own, so that a
 * player which walks its list finds another Relay in seconds, long before DNS has noticed anything.
 *
 * @param region whose own name comes right after the general one: its Relays are near, whoever asks here.
 */
export function renderPlaylists(
    stationName: string,
    channels: ChannelPlan[],
    names: StationNames,
    region?: string,
): Playlist[] {
    const hosts = [names.stream, ...regionalNames(names, region)];
    return channels.flatMap(({ title, formats }) =>
        formats.flatMap((format) => {
            const heading = oneLine(`${stationName}: ${title} (${quality(format)})`);
            const entries = hosts.map((host) => ({ url: `https://${host}${format.mount}`, title: heading }));
            return kinds.map((kind) => ({
                path: `${format.mount}.${kind}`,
                contentType: contentTypes[kind],
                content: writers[kind](entries, heading),
            }));
        }),
    );
}

function regionalNames(names: StationNames, region?: string): string[] {
    const own = region === undefined ? undefined : names.regions[region];
    const all = Object.values(names.regions);
    return own === undefined ? all : [own, ...all.filter((name) => name !== own)];
}

function quality({ codec, bitrateKbps }: StreamFormat): string {
    return `${codec.toUpperCase()} ${bitrateKbps} kbit/s`;
}

/** Text that ends no line, and that XML can hold: M3U and PLS know no escapes. */
function oneLine(text: string): string {
    return text
        .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]+/gu, " ")
        .replace(/ +/g, " ")
        .trim();
}

function lines(...text: string[]): string {
    return `${text.join("\n")}\n`;
}
