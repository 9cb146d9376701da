import type { RelayPlan } from "../../components/relayPool/plan";
import { mainChannel } from "./mainChannel";

/** A Relay of two Masters with one channel in two formats, at addresses that lead nowhere. */
export function relayPlan(change: Partial<RelayPlan> = {}): RelayPlan {
    const masters = ["a", "b"].map((id, index) => ({
        id,
        host: `198.19.0.${index + 1}`,
        port: 8443,
        tlsName: `master-${id}.radio.test`,
    }));
    return {
        pool: "relay-ams3",
        stationName: "Radio Test",
        icecast: "2.4",
        channels: [mainChannel],
        upstreams: masters,
        masters,
        listenerLimit: 1500,
        stallSeconds: 1,
        names: {
            stream: "stream.radio.test",
            ingest: "ingest.radio.test",
            regions: { nyc3: "nyc3.stream.radio.test", ams3: "ams3.stream.radio.test" },
        },
        region: "ams3",
        ...change,
    };
}
