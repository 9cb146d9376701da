import type { MonitoringPlan } from "../../components/monitoring/plan";
import { alertFacts } from "./alertCases";
import { mainChannel } from "./mainChannel";

/** A monitoring machine of a station with a Master and a Relay. */
export const monitoringPlan: MonitoringPlan = {
    stationName: "Radio Größe",
    region: "fra1",
    retentionDays: 30,
    retentionMiB: 2048,
    timeZone: "Europe/Berlin",
    machines: {
        "master-a": { role: "master", region: "ams3", address: "192.0.2.1" },
        "relay-fra1-1": { role: "relay", region: "fra1", address: "192.0.2.2" },
    },
    ears: {
        names: { stream: "stream.radio.test", regions: { fra1: "fra1.stream.radio.test" } },
        channels: [mainChannel],
        silenceDb: -40,
        dnsSeconds: 90,
    },
    alertFacts,
    logs: { days: 30, limitMiB: 4096, addressDays: 7 },
    figures: { channels: [mainChannel], countries: false, soundExchange: false },
};
