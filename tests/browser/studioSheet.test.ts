import { printed, sheetHtml } from "../../tools/studioSheet/run";
import { readOutputs } from "../../tools/studioSheet/outputs";

/* The studio's sheet, printed by a real browser. */

const channel = (title: string) => ({
    title,
    formats: ["mp3", "aac"].map((codec) => ({
        ...{ codec, bitrateKbps: 192, mount: `/main.${codec}` },
        url: `https://stream.radio-with-a-long-name.example/main.${codec}`,
    })),
    playlists: [],
});

const source = (user: string) => ({
    title: `The ${user} with a long title`,
    mount: `/in/main/${user}`,
    user,
});

it("is one page, of a station with three channels and three sources too", async () => {
    const names = ["main", "nocturne", "jazz"];
    const ofChannels = <T>(value: (name: string) => T): Record<string, T> =>
        Object.fromEntries(names.map((name) => [name, value(name)]));
    const outputs = readOutputs(
        JSON.stringify({
            station: { name: "Radio of the Long Name" },
            channels: ofChannels((name) => channel(`Channel ${name}`)),
            ingest: {
                ...{ host: "ingest.radio-with-a-long-name.example", port: 8000, tlsPort: 8443 },
                encoder: { codec: "mp3", bitrateKbps: 320 },
                sources: ofChannels(() =>
                    Object.fromEntries(["studio", "mobile", "airtime"].map((name) => [name, source(name)])),
                ),
            },
            ingestPasswords: ofChannels(() => ({
                studio: "s".repeat(32),
                mobile: "m".repeat(32),
                airtime: "a".repeat(32),
            })),
            shows: { libraries: ofChannels((name) => `/srv/airtime/library/${name}`) },
            status: "https://status.radio-with-a-long-name.example/",
            machines: { airtime: { role: "airtime", address: "192.0.2.7" } },
        }),
    );
    const call = ["Anna, engineer: +49 30 1234567", "Bo, engineer at night: +49 30 7654321"];
    const pdf = await printed(sheetHtml(outputs, { showSecrets: true, source: [], call }, "2026-11-28"));
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    expect(pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)).toHaveLength(1);
});
