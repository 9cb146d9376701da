import type { AirtimePlan } from "../../components/airtime/plan";

/** Airtime of a station with two channels and two Masters, with whatever a test wants different. */
export function airtimePlan(change: Partial<AirtimePlan> = {}): AirtimePlan {
    return {
        software: "playlist",
        stationName: "Radio Test",
        channels: [
            {
                id: "main",
                title: "Main",
                formats: [{ codec: "mp3", bitrateKbps: 192, mount: "/main.mp3", contentType: "audio/mpeg" }],
            },
            {
                id: "jazz",
                title: "Jazz & more",
                formats: [{ codec: "mp3", bitrateKbps: 128, mount: "/jazz.mp3", contentType: "audio/mpeg" }],
            },
        ],
        sourceName: "airtime",
        masters: [
            { id: "a", host: "198.19.0.1", port: 8000 },
            { id: "b", host: "198.19.0.2", port: 8000 },
        ],
        volumeName: "aerial-test-airtime",
        timeZone: "Europe/Berlin",
        ...change,
    };
}

/** The same by LibreTime, which plays one channel. */
export function libretimePlan(change: Partial<AirtimePlan> = {}): AirtimePlan {
    return airtimePlan({
        software: "libretime",
        channels: airtimePlan().channels.slice(0, 1),
        ...change,
    });
}
