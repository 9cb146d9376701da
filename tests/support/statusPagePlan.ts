import type { MonitoringPlan } from "../../components/monitoring/plan";
import type { StatusPagePart } from "../../model/statusPage";
import { monitoringPlan } from "./monitoringPlan";

/** A monitoring machine with a status page. */
export function statusPagePlan(privateParts: StatusPagePart[] = ["alerts", "bill"]): MonitoringPlan {
    return {
        ...monitoringPlan,
        stationName: "Radio Meridian",
        region: "nyc3",
        machines: {
            ...monitoringPlan.machines,
            "master-b": { role: "master", region: "fra1", address: "192.0.2.3" },
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
            teamSecret: "teamPassword",
            bill: {
                monthlyUsd: 30,
                items: [{ name: "Masters", monthlyUsd: 30, detail: "2" }],
                transfer: { includedGiB: 4000 },
            },
            acme: { directoryUrl: "https://acme.example/dir", email: "tech@radio.example" },
        },
    };
}
