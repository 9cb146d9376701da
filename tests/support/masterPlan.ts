import type { MasterPlan } from "../../components/master/plan";
import { mainChannel } from "./mainChannel";

/** A Master of a station with two channels, with whatever a test wants different. */
export function masterPlan(change: Partial<MasterPlan> = {}): MasterPlan {
    return {
        id: "a",
        stationName: "Radio Test",
        icecast: "2.4",
        channels: [
            mainChannel,
            {
                id: "jazz",
                title: "Jazz & more",
                formats: [{ codec: "mp3", bitrateKbps: 128, mount: "/jazz.mp3", contentType: "audio/mpeg" }],
            },
        ],
        sources: [
            { name: "studio", title: "Studio" },
            { name: "mobile", title: "Mobile studio" },
            { name: "airtime", title: "Airtime" },
        ],
        silence: { detect: true, thresholdDb: -40, afterSeconds: 20, returnAfterSeconds: 5 },
        bufferSeconds: 3.5,
        peers: [{ id: "b", host: "198.19.0.2", port: 8443, tlsName: "master-b.radio.test" }],
        linkGenerations: [1, 2, 3],
        ingestPort: 8000,
        maxLinks: 20,
        rank: 0,
        publicNames: ["stream.radio.test", "ingest.radio.test", "ams3.stream.radio.test"],
        acme: { directoryUrl: "https://acme.test:14000/dir", email: "engineer@radio.test" },
        ...change,
    };
}
