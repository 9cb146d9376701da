import fc from "fast-check";

import { playlistPaths, renderPlaylists } from "../../components/relayPool/playlists";
import type { ChannelPlan } from "../../model/channels";
import type { StationNames } from "../../model/stationNames";

const names: StationNames = {
    stream: "stream.radio.test",
    ingest: "ingest.radio.test",
    regions: { nyc3: "nyc3.stream.radio.test", ams3: "ams3.stream.radio.test" },
};
const channel: ChannelPlan = {
    id: "main",
    title: "Main",
    formats: [{ codec: "mp3", bitrateKbps: 192, mount: "/main.mp3", contentType: "audio/mpeg" }],
};

function playlist(kind: string, stationName = "Radio", title = "Main", region?: string): string {
    const lists = renderPlaylists(stationName, [{ ...channel, title }], names, region);
    const found = lists.find(({ path }) => path === `/main.mp3.${kind}`);
    if (!found) {
        throw new Error(`no ${kind}`);
    }
    return found.content;
}

const urls = {
    m3u: (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
    pls: (text: string) => [...text.matchAll(/^File\d+=(.*)$/gm)].map(([, url]) => url),
    xspf: (text: string) => [...text.matchAll(/<location>(.*?)<\/location>/g)].map(([, url]) => url),
};
const kinds = Object.keys(urls) as (keyof typeof urls)[];

describe("playlists of a mount", () => {
    it.each(kinds)("name the general address first and the Relay's own region next: %s", (kind) => {
        expect(urls[kind](playlist(kind, "Radio", "Main", "ams3"))).toEqual([
            "https://stream.radio.test/main.mp3",
            "https://ams3.stream.radio.test/main.mp3",
            "https://nyc3.stream.radio.test/main.mp3",
        ]);
    });

    it.each(kinds)("name every region once where the own one is not known: %s", (kind) => {
        expect(urls[kind](playlist(kind))).toEqual([
            "https://stream.radio.test/main.mp3",
            "https://nyc3.stream.radio.test/main.mp3",
            "https://ams3.stream.radio.test/main.mp3",
        ]);
    });

    it("are what players read", () => {
        expect(playlist("m3u").split("\n").slice(0, 3)).toEqual([
            "#EXTM3U",
            "#EXTINF:-1,Radio: Main (MP3 192 kbit/s)",
            "https://stream.radio.test/main.mp3",
        ]);
        expect(playlist("pls").split("\n").slice(0, 5)).toEqual([
            "[playlist]",
            "NumberOfEntries=3",
            "File1=https://stream.radio.test/main.mp3",
            "Title1=Radio: Main (MP3 192 kbit/s)",
            "Length1=-1",
        ]);
        expect(playlist("xspf", "R&B", "<Main>")).toContain(
            "<title>R&amp;B: &lt;Main&gt; (MP3 192 kbit/s)</title>",
        );
    });

    it("exist for every mount under the paths that are announced", () => {
        const second = { ...channel, id: "b", formats: [{ ...channel.formats[0]!, mount: "/b.mp3" }] };
        expect(renderPlaylists("Radio", [channel, second], names).map(({ path }) => path)).toEqual([
            ...playlistPaths("/main.mp3"),
            ...playlistPaths("/b.mp3"),
        ]);
    });

    it("hold no address but ours, whatever stations and channels are called", () => {
        const hostile = fc.oneof(
            fc.string({ unit: "binary" }),
            fc.constantFrom(
                "x\nhttps://evil.test/",
                "x\r\nFile1=https://evil.test/",
                "x\u2028https://evil.test/",
                "</title><location>https://evil.test/</location>",
                "]]>",
                "\ufffe\ud800",
            ),
        );
        fc.assert(
            fc.property(hostile, hostile, (stationName, title) => {
                for (const kind of kinds) {
                    const text = playlist(kind, stationName, title);
                    expect(urls[kind](text)).toEqual(urls[kind](playlist(kind)));
                    expect(text.split(/\r\n|[\n\r\u0085\u2028\u2029]/).length).toBe(
                        playlist(kind).split("\n").length,
                    );
                }
            }),
        );
    });
});
