import { listenerLimit } from "../../model/capacity";
import { describeDroplets, describeTooManyDroplets } from "../../config/digitalOcean";
import { ConfigError } from "../../config/errors";
import { planChannels, planRelayPools, stationRegions } from "../../config/stationPlan";
import { parseStation } from "../../config/station";
import { stationConfig } from "../support/station";

function mistakes(given: unknown): string[] {
    try {
        parseStation(given);
    } catch (error) {
        if (error instanceof ConfigError) {
            return error.mistakes.map(({ key, value, remedy }) => `${key} is ${value}: ${remedy}`);
        }
        throw error;
    }
    return [];
}

describe("the droplets of a station", () => {
    it("are shown with the account's limit, or with the key that would set it", () => {
        const station = parseStation(stationConfig());
        expect(describeDroplets(station)).toBe(
            "Droplets: 4 at rest, up to 8 during a change; not compared with the account's limit " +
                "(set aerial:station.digitalOcean.dropletLimit)",
        );
        expect(describeDroplets({ ...station, digitalOcean: { dropletLimit: 10 } })).toBe(
            "Droplets: 4 at rest, up to 8 during a change; the limit is 10",
        );
    });

    it("are too many for a change where those that were left behind come on top", () => {
        const station = parseStation(stationConfig());
        const limited = { ...station, digitalOcean: { dropletLimit: 9 } };
        expect(describeTooManyDroplets(station, 99)).toEqual([]);
        expect(describeTooManyDroplets(limited, 0)).toEqual([]);
        expect(describeTooManyDroplets(limited, 1)).toEqual([]);
        expect(describeTooManyDroplets(limited, 2)).toEqual([
            "Droplets: up to 8 during a change, and 2 left behind, are more than the limit of 9: a change of all machines " +
                "may fail until pulumi up has deleted those that were left behind",
        ]);
    });
});

describe("a valid station", () => {
    it("gets the defaults of a small station", () => {
        const station = parseStation(stationConfig());
        expect(station.sources.map((source) => source.name)).toEqual(["studio", "mobile", "airtime"]);
        expect(station.channels[0]?.formats).toEqual([
            { codec: "mp3", bitrateKbps: 192 },
            { codec: "aac", bitrateKbps: 64 },
        ]);
        expect(station.silence).toEqual({
            detect: true,
            thresholdDb: -40,
            afterSeconds: 15,
            returnAfterSeconds: 3,
        });
        expect(station.masters[0]?.size).toBe("s-2vcpu-2gb");
        expect(station.relays[0]?.size).toBe("s-1vcpu-1gb");
        expect(station.ssh.authorizedKeys).toEqual([]);
    });

    it("keeps what is given over the defaults", () => {
        const station = parseStation({ ...stationConfig(), silence: { detect: false } });
        expect(station.silence.detect).toBe(false);
    });

    it("names mounts after the channel unless the configuration names them", () => {
        const station = parseStation({
            ...stationConfig(),
            channels: [
                { id: "main", title: "Main", mount: "live", formats: [{ codec: "mp3", bitrateKbps: 128 }] },
                { id: "night", title: "Night", formats: [{ codec: "aac", bitrateKbps: 64 }] },
            ],
        });
        expect(planChannels(station)).toEqual([
            {
                id: "main",
                title: "Main",
                formats: [{ codec: "mp3", bitrateKbps: 128, mount: "/live.mp3", contentType: "audio/mpeg" }],
            },
            {
                id: "night",
                title: "Night",
                formats: [{ codec: "aac", bitrateKbps: 64, mount: "/night.aac", contentType: "audio/aac" }],
            },
        ]);
    });

    it("names each region once", () => {
        const station = parseStation({ ...stationConfig(), relays: [{ region: "ams3", count: 1 }] });
        expect(stationRegions(station)).toEqual(["ams3", "fra1"]);
    });
});

describe("capacity of a Relay", () => {
    it.each([
        ["s-1vcpu-512mb-10gb", 1126],
        ["s-1vcpu-1gb", 2200],
        ["s-1vcpu-2gb", 2200],
        ["s-2vcpu-2gb", 4400],
        ["s-4vcpu-8gb", 8800],
    ])("of size %s is %i listeners", (size, limit) => {
        expect(listenerLimit(size)).toBe(limit);
    });

    it("is part of the plan of each region", () => {
        expect(planRelayPools(parseStation(stationConfig()))).toEqual([
            {
                region: "nyc3",
                place: { latitude: 40.71, longitude: -74.01 },
                count: 2,
                size: "s-1vcpu-1gb",
                capacity: 4400,
                upstreamRegions: [],
                feedsTierBelow: false,
            },
        ]);
    });
});

describe("mistakes", () => {
    it("are all reported at once, each with its key, value and remedy", () => {
        expect(
            mistakes({
                name: "",
                domain: "Radio",
                channels: [
                    { id: "Main", title: "x\ny", formats: [{ codec: "mp3", bitrateKbps: 200 }] },
                    { id: "b", title: "b" },
                    { id: "b", title: "c" },
                ],
                silence: { thresholdDb: 3 },
                masters: [{ id: "a", region: "ams9" }],
                relays: [
                    { region: "nyc3", count: 0 },
                    { region: "nyc3", count: 2, siez: 1 },
                ],
                backup: "none",
                dns: stationConfig().dns,
                tls: { acme: { email: "nobody" } },
                ssh: { allowedFrom: ["192.0.2.4/24"], authorizedKeys: ["foo"] },
            }),
        ).toMatchSnapshot();
    });

    it("in one value are reported for that value only", () => {
        expect(mistakes({ ...stationConfig(), domain: "radio" })).toEqual([
            'aerial:station.domain is "radio": use a domain in lower case, such as radio.example',
        ]);
    });

    it.each([
        ["nothing", undefined, "aerial:station is nothing"],
        ["a text", "radio", 'aerial:station is "radio"'],
        [
            "a missing list",
            { ...stationConfig(), relays: undefined },
            "aerial:station.relays is nothing: give a list",
        ],
    ])("are explained for %s", (_, given, expected) => {
        expect(mistakes(given)[0]).toContain(expected);
    });

    it("are found when there is only one Master", () => {
        expect(mistakes({ ...stationConfig(), masters: [{ id: "a", region: "ams3" }] })).toEqual([
            expect.stringContaining("describe at least two Masters"),
        ]);
    });

    it.each(["203.0.113.0", "203.0.113.1/24", "203.0.113.0/33", "300.0.0.0/8", "x/8", "10.0.0.0/8/8"])(
        "in an address range are found: %s",
        (range) => {
            expect(mistakes({ ...stationConfig(), ssh: { allowedFrom: [range] } })).toHaveLength(1);
        },
    );

    it.each(["0.0.0.0/0", "203.0.113.7/32", "2001:db8::/32"])("are not seen in a good range: %s", (range) => {
        expect(mistakes({ ...stationConfig(), ssh: { allowedFrom: [range] } })).toEqual([]);
    });

    it.each(["a\nb", "a$b", "a\u0000b", "", "x".repeat(81)])("in a title are found: %j", (title) => {
        expect(mistakes({ ...stationConfig(), channels: [{ id: "main", title }] })).toHaveLength(1);
    });

    it("in a channel's mount are found when two channels would share it", () => {
        expect(
            mistakes({
                ...stationConfig(),
                channels: [
                    { id: "main", title: "Main" },
                    { id: "night", title: "Night", mount: "main" },
                ],
            }),
        ).toEqual(['aerial:station.channels[1].mount is "main": entry 1 has the same mount; use another']);
    });

    it("in a tier are found: a region pulls only from those described above it", () => {
        const relays = [
            { region: "ams3", count: 1, upstreamRegions: ["nyc3"] },
            { region: "nyc3", count: 1, upstreamRegions: ["ams3", "nyc3"] },
        ];
        expect(mistakes({ ...stationConfig(), relays })).toEqual([
            'aerial:station.relays[0].upstreamRegions[0] is "nyc3": leave it out: the first region pulls from the Masters',
            'aerial:station.relays[1].upstreamRegions[1] is "nyc3": use a region described above this one: ams3',
        ]);
    });

    it("are found when a change would need more droplets than the account allows", () => {
        const given = (dropletLimit: number) => ({
            ...stationConfig(),
            airtime: { region: "ams3" },
            digitalOcean: { dropletLimit },
        });
        expect(mistakes(given(8))).toEqual([
            "aerial:station.digitalOcean.dropletLimit is 8: the station has 5 droplets, and up to 9 during a " +
                "change; ask DigitalOcean for a limit of 9 or more, or describe fewer Relays",
        ]);
        expect(mistakes(given(9))).toEqual([]);
        expect(mistakes(given(0))).toHaveLength(2);
    });

    it("are found when the station needs more than the DNS plan allows, with the remedy", () => {
        const relays = [{ region: "ams3", count: 19 }];
        expect(mistakes({ ...stationConfig(), relays })).toEqual([
            "aerial:station.dns.plan is nothing: the station needs 21 endpoints, and the plan allows 20; " +
                "use a larger plan or fewer Relays, or set dns.limits.endpoints to what your contract allows",
        ]);
        const dns = { ...(stationConfig().dns as object), limits: { endpoints: 40 } };
        expect(mistakes({ ...stationConfig(), relays, dns })).toEqual([]);
    });

    it.each([
        [
            { check: { intervalSeconds: 10 } },
            "dns.check.intervalSeconds is 10: the plan pro allows no shorter interval than 60 s",
        ],
        [{ plan: "enterprise", check: { timeoutSeconds: 6 } }, "must fit into the interval of 10 s"],
        [{ ttlSeconds: 5 }, "dns.ttlSeconds is 5: use 30 to 3600 seconds"],
        [{ zoneId: "radio.test" }, "dns.zoneId is"],
    ])("in DNS are found: %j", (change, expected) => {
        const dns = { ...(stationConfig().dns as object), ...change };
        expect(mistakes({ ...stationConfig(), dns }).join("\n")).toContain(expected);
    });
});
