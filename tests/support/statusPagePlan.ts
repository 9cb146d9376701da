import type { MonitoringPlan } from "../../components/monitoring/plan";
import type { StatusPagePart } from "../../model/statusPage";

/** A monitoring machine with a status page. */
export function statusPagePlan(privateParts: StatusPagePart[] = ["alerts", "bill"]): MonitoringPlan {
    return {
        stationName: "Radio Meridian",
        region: "nyc3",
        retentionDays: 30,
        retentionMiB: 2048,
        machines: {
            "master-a": { role: "master", region: "ams3", address: "192.0.2.1" },
            "master-b": { role: "master", region: "fra1", address: "192.0.2.3" },
            "relay-fra1-1": { role: "relay", region: "fra1", address: "192.0.2.2" },
        },
        statusPage: {
            name: "status.radio.example",
            streamName: "stream.radio.example",
            channels: [
                {
                    id: "main",
                    title: "Radio Meridian",
                    formats: [
                        { codec: "mp3", bitrateKbps: 192, mount: "/main.mp3", contentType: "audio/mpeg" },
                    ],
                },
            ],
            sources: [{ name: "studio", title: "Studio" }],
            masters: ["master-a", "master-b"],
            timeZone: "Europe/Amsterdam",
            hasBackup: true,
            private: privateParts,
            bill: {
                monthlyUsd: 30,
                items: [{ name: "Masters", monthlyUsd: 30, detail: "2" }],
                transfer: { includedGiB: 4000 },
            },
            acme: { directoryUrl: "https://acme.example/dir", email: "tech@radio.example" },
        },
    };
}
