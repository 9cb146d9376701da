import { earsRole, type EarsPlan } from "../../components/monitoring/ears";
import { dnsPatienceSeconds } from "../../config/ears";
import { parseStation } from "../../config/station";
import { mainChannel } from "../support/mainChannel";
import { stationConfig } from "../support/station";

const plan: EarsPlan = {
    names: {
        stream: "stream.radio.test",
        regions: { ams3: "ams3.stream.radio.test", nyc3: "nyc3.stream.radio.test" },
    },
    channels: [mainChannel],
    silenceDb: -45,
    dnsSeconds: 150,
};

const machines = {
    "master-a": { role: "master", region: "ams3", address: "192.0.2.1" },
    "relay-ams3-1": { role: "relay", region: "ams3", address: "192.0.2.2" },
    "relay-nyc3-1": { role: "relay", region: "nyc3", address: "192.0.2.3" },
    "relay-nyc3-2": { role: "relay", region: "nyc3", address: "192.0.2.4" },
} as const;

describe("the Ears", () => {
    const role = earsRole(plan, machines);
    const content = (path: string): string => role.files.find((file) => file.path === path)?.content ?? "";

    it("are told each public mount, each region's name, and which Relays DNS should answer with", () => {
        expect(JSON.parse(content("/etc/aerial/ears/ears.json"))).toEqual({
            stream: "stream.radio.test",
            port: 443,
            healthPort: 80,
            silenceDb: -45,
            dnsSeconds: 150,
            mounts: [
                { channel: "main", path: "/main.mp3", codec: "mp3" },
                { channel: "main", path: "/main.aac", codec: "aac" },
            ],
            regions: [
                {
                    region: "ams3",
                    name: "ams3.stream.radio.test",
                    relays: { "relay-ams3-1": "192.0.2.2" },
                },
                {
                    region: "nyc3",
                    name: "nyc3.stream.radio.test",
                    relays: { "relay-nyc3-1": "192.0.2.3", "relay-nyc3-2": "192.0.2.4" },
                },
            ],
        });
    });

    it("may take memory by the number of streams that they decode", () => {
        expect(content("/etc/systemd/system/aerial-ears.service")).toContain("\nMemoryMax=272M\n");
    });

    it("are no Ears where nothing can be heard", () => {
        expect(() => earsRole({ ...plan, channels: [] }, machines)).toThrow("nothing to listen to");
    });
});

describe("a station that is listened to", () => {
    const withEars = (change: object): (() => unknown) => {
        const given = { ...stationConfig(), monitoring: { region: "lon1" }, ...change };
        return () => parseStation(given);
    };
    const channels = (count: number): object => ({
        channels: Array.from({ length: count }, (_, index) => ({ id: `c${index}`, title: "C" })),
    });

    it("may not let an address have fewer connections than a region has mounts", () => {
        expect(withEars({ edge: { connectionsPerAddress: 1 } })).toThrow(
            /edge\.connectionsPerAddress is 1: the Ears of the monitoring machine listen to 2 mounts of a Relay from one address; use 2 or more/,
        );
        expect(withEars({ edge: { connectionsPerAddress: 2 } })).not.toThrow();
        expect(withEars({ edge: { connectionsPerAddress: 1 }, monitoring: "none" })).not.toThrow();
    });

    it("may not have more streams than the monitoring machine carries", () => {
        expect(withEars(channels(6))).not.toThrow();
        expect(withEars(channels(7))).toThrow(
            /monitoring\.size is .*: the Ears decode 14 mounts in 1 regions, and a droplet of this size carries 12 streams; use a size with more memory/,
        );
        expect(
            withEars({ ...channels(7), monitoring: { region: "lon1", size: "s-1vcpu-2gb" } }),
        ).not.toThrow();
    });

    it("has as long for DNS to follow the Relays' health as checks and answers take", () => {
        const { dns } = parseStation({
            ...stationConfig(),
            dns: {
                ...(stationConfig().dns as object),
                ttlSeconds: 60,
                check: { intervalSeconds: 60, downAfter: 3 },
            },
        });
        expect(dnsPatienceSeconds(dns)).toBe(240);
    });
});
