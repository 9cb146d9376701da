import { checkDns, orderOf, serverFiles } from "../../lab/cloudflare/dns/gdnsd";
import { askersRanges } from "../../lab/cloudflare/dns/places";
import { dnsTable, namesOf } from "../../lab/cloudflare/dns/status";
import { hash, scalar } from "../../lab/cloudflare/dns/syntax";
import { regionRange } from "../../lab/network/addresses";
import type { DnsData } from "../../lab/cloudflare/records";

const common = { urn: "test", createdOn: "2026-01-01T00:00:00Z" };
const id = (digit: string): string => digit.repeat(32);

function monitor(changes: Partial<DnsData["monitors"][number]> = {}): DnsData["monitors"][number] {
    return {
        ...{
            ...common,
            id: id("a"),
            accountId: id("0"),
            type: "http",
            method: "GET",
            path: "/healthz",
            port: 8080,
        },
        ...{
            header: { Host: ["stream.radio.test"] },
            expectedCodes: "200",
            intervalSeconds: 2,
            timeoutSeconds: 1,
        },
        ...{ retries: 0, consecutiveUp: 2, consecutiveDown: 3 },
        ...changes,
    };
}

function pool(
    digit: string,
    name: string,
    addresses: string[],
    changes: Partial<DnsData["pools"][number]> = {},
): DnsData["pools"][number] {
    const origins = addresses.map((address, n) => ({ name: `m${n}`, address, enabled: true, weight: 1 }));
    return {
        ...{ ...common, id: id(digit), accountId: id("0"), name, enabled: true, monitor: id("a") },
        ...{ minimumOrigins: 1, origins },
        ...changes,
    };
}

function weightedPool(
    one: [string, number],
    other: [string, number],
    changes: Partial<DnsData["pools"][number]> = {},
): DnsData["pools"][number] {
    const origins = [one, other].map(([address, weight], n) => ({
        ...{ name: `m${n}`, address, enabled: true, weight },
    }));
    return pool("b", "ams", [], { origins, steering: "random", ...changes });
}

function balancer(changes: Partial<DnsData["balancers"][number]> = {}): DnsData["balancers"][number] {
    return {
        ...{
            ...common,
            id: id("d"),
            zoneId: id("1"),
            name: "stream.radio.test",
            enabled: true,
            proxied: false,
        },
        ...{ ttlSeconds: 30, steeringPolicy: "geo", defaultPools: [id("b"), id("c")], fallbackPool: id("c") },
        regionPools: { WEU: [id("b"), id("c")], ENAM: [id("c"), id("b")] },
        ...changes,
    };
}

function plain(name: string, content: string, changes: Partial<DnsData["names"][number]> = {}) {
    const rest = { zoneId: id("1"), type: "A", ttlSeconds: 60, proxied: false };
    return { ...common, id: id("2"), name, content, ...rest, ...changes };
}

function station(changes: Partial<DnsData> = {}): DnsData {
    return {
        monitors: [monitor()],
        pools: [pool("b", "ams", ["198.18.0.10", "198.18.0.11"]), pool("c", "nyc", ["198.18.112.10"])],
        balancers: [balancer()],
        names: [],
        ...changes,
    };
}

const zoneOf = (data: DnsData): string[] => serverFiles(data)["zones/ROOT_ZONE"].split("\n");

describe("the DNS server's configuration", () => {
    it("is this for a station of two regions", () => {
        expect(serverFiles(station()).config).toMatchSnapshot();
    });

    it("answers each lab region by the pools of its steering region, everybody else by the default order", () => {
        const { everybody, byRange, fallback } = orderOf(balancer(), station());
        const pools = new Map(byRange.map((entry) => [entry.range, entry.pools]));
        expect(everybody).toEqual(["ams", "nyc"]);
        expect(fallback).toBe("nyc");
        for (const [region, expected] of Object.entries({
            ams3: ["ams", "nyc"],
            lon1: ["ams", "nyc"],
            nyc3: ["nyc", "ams"],
            tor1: ["nyc", "ams"],
            sgp1: undefined,
        })) {
            expect(pools.get(regionRange(region))).toEqual(expected);
        }
    });

    it("knows the whereabouts of every region that a station can be in", () => {
        const known = new Map(askersRanges.map(({ range, region }) => [range, region]));
        expect(known.get(regionRange("sgp1"))).toBe("SEAS");
        expect(known.get(regionRange("syd1"))).toBe("OC");
        expect(known.get(regionRange("sfo3"))).toBe("WNAM");
        expect(known.get(regionRange("blr1"))).toBe("SAS");
    });

    it("steers by the default order alone where steering is off", () => {
        expect(orderOf(balancer({ steeringPolicy: "off" }), station()).byRange).toEqual([]);
    });

    it("asks a pool that only one region names nowhere else, and the fallback before it", () => {
        const data = station({
            balancers: [
                balancer({
                    defaultPools: [id("b")],
                    regionPools: { ENAM: [id("c")] },
                    fallbackPool: id("b"),
                }),
            ],
        });
        const { config } = serverFiles(data);
        expect(config).toContain('"datacenters" => [ "pool-ams", "fallback", "pool-nyc" ]');
        expect(config).toContain('"198.18.112.0/20" => [ "pool-nyc", "fallback" ]');
        expect(config).toContain('"fallback" => "%multifo!last-ams"');
    });

    it.each([
        [1, 1, 2],
        [2, 2, 3],
        [3, 3, 3],
        [1, 1, 40],
        [0, 1, 7],
    ])(
        "holds a pool with minimumOrigins %i for up with %i of %i members",
        (minimumOrigins, needed, total) => {
            const addresses = Array.from({ length: total }, (_, n) => `198.18.0.${10 + n}`);
            const { config } = serverFiles(
                station({
                    pools: [
                        pool("b", "ams", addresses, { minimumOrigins }),
                        pool("c", "nyc", ["198.18.112.10"]),
                    ],
                }),
            );
            const [, share] =
                /"pool-ams" => \{\s+"service_types" => "[^"]+"\s+"up_thresh" => "([\d.]+)"/.exec(config) ??
                [];
            // As gdnsd computes it.
            expect(Math.ceil(Number(share) * total)).toBe(needed);
        },
    );

    it("leaves out what is disabled: balancers, pools, members", () => {
        const off = station({ balancers: [balancer({ enabled: false })] });
        expect(serverFiles(off).config).not.toContain("stream.radio.test");
        expect(zoneOf(off).join()).not.toContain("stream.radio.test");
        const data = station();
        const [ams] = data.pools;
        const withoutOne = station({
            pools: [
                {
                    ...pool("b", "ams", ["198.18.0.10", "198.18.0.11"]),
                    origins: (ams?.origins ?? []).map((origin, n) => ({ ...origin, enabled: n > 0 })),
                },
                pool("c", "nyc", ["198.18.112.10"], { enabled: false }),
            ],
        });
        expect(serverFiles(withoutOne).config).not.toContain("198.18.0.10");
        expect(orderOf(balancer(), withoutOne)).toMatchObject({ everybody: ["ams"], fallback: "nyc" });
    });

    it("answers one member at a time where weights differ, by weight, with any of them up", () => {
        const [, nyc] = station().pools;
        const { config } = serverFiles(
            station({ pools: [weightedPool(["198.18.0.10", 1], ["198.18.96.10", 0.07]), nyc!] }),
        );
        expect(config).toContain(
            [
                '    "weighted" => {',
                '        "pool-ams" => {',
                '            "service_types" => "check-aaaaaaaaaaaa"',
                '            "multi" => "false"',
                '            "up_thresh" => "0.00001"',
                '            "member-m0" => [ "198.18.0.10", "100" ]',
                '            "member-m1" => [ "198.18.96.10", "7" ]',
            ].join("\n"),
        );
        expect(config).toContain('"pool-ams" => "%weighted!pool-ams"');
        expect(config).toContain('"pool-nyc" => "%multifo!pool-nyc"');
        expect(config).toContain('"last-ams"');
    });

    it("answers all members where weights are equal, whatever they are, and none of weight 0", () => {
        const [, nyc] = station().pools;
        const equal = serverFiles(
            station({ pools: [weightedPool(["198.18.0.10", 0.3], ["198.18.0.11", 0.3]), nyc!] }),
        ).config;
        expect(equal).not.toContain("weighted");
        const without = serverFiles(
            station({ pools: [weightedPool(["198.18.0.10", 1], ["198.18.0.11", 0]), nyc!] }),
        ).config;
        expect(without).not.toContain("weighted");
        expect(without).not.toContain("198.18.0.11");
    });

    it("checks health as the monitor says", () => {
        const { config } = serverFiles(
            station({
                monitors: [
                    monitor({
                        port: 0,
                        timeoutSeconds: 2,
                        retries: 1,
                        intervalSeconds: 30,
                        expectedCodes: "200,3xx",
                    }),
                ],
            }),
        );
        expect(config).toContain('"port" => "80"');
        expect(config).toContain('"timeout" => "4"');
        expect(config).toContain('"interval" => "30"');
        expect(config).toMatch(/"ok_codes" => \[ "200", "300", .*"399" \]/);
    });

    it("is the same whatever order the records come in", () => {
        const data = station({
            names: [plain("b.radio.test", "198.18.0.10"), plain("a.radio.test", "198.18.0.10")],
        });
        const turned: DnsData = {
            monitors: [...data.monitors].reverse(),
            pools: [...data.pools].reverse(),
            balancers: [...data.balancers].reverse(),
            names: [...data.names].reverse(),
        };
        expect(serverFiles(turned)).toEqual(serverFiles(data));
    });
});

describe("the zone", () => {
    it("holds plain records, several at a name, with their time to live", () => {
        const lines = zoneOf(
            station({
                names: [
                    plain("ams3.stream.radio.test", "198.18.0.10"),
                    plain("ams3.stream.radio.test", "198.18.0.11", { ttlSeconds: 1 }),
                    plain("www.radio.test", "stream.radio.test", { type: "CNAME" }),
                    plain("radio.test", 'say "hi"', { type: "TXT" }),
                ],
            }),
        );
        expect(lines).toContain("ams3.stream.radio.test. 60 A 198.18.0.10");
        expect(lines).toContain("ams3.stream.radio.test. 300 A 198.18.0.11");
        expect(lines).toContain("www.radio.test. 60 CNAME stream.radio.test.");
        expect(lines).toContain('radio.test. 60 TXT "say \\"hi\\""');
        expect(lines).toContain("stream.radio.test. 30 DYNA geoip!stream.radio.test");
        expect(lines).toContain("acme.test. 300 A 198.19.255.80");
    });

    it("lets a balancer go before plain records of its name", () => {
        const lines = zoneOf(station({ names: [plain("Stream.radio.test", "198.18.0.99")] }));
        expect(lines.join()).not.toContain("198.18.0.99");
    });
});

describe("what the server cannot do is refused", () => {
    const [ams, nyc] = station().pools;
    it.each<[string, Partial<DnsData>, string]>([
        ["a line break in a name", { names: [plain("a\nb.test", "198.18.0.1")] }, "the name"],
        ["a quote in a name", { names: [plain('a"b.test', "198.18.0.1")] }, "the name"],
        [
            "a directive as content",
            { names: [plain("a.test", "198.18.0.1\n$INCLUDE /etc/shadow")] },
            "the A record",
        ],
        ["a type it does not serve", { names: [plain("a.test", "x", { type: "LOC" })] }, "the LOC record"],
        ["the proxy", { names: [plain("a.test", "198.18.0.1", { proxied: true })] }, "the proxy"],
        ["other steering", { balancers: [balancer({ steeringPolicy: "random" })] }, "steering by random"],
        ["checks by TCP", { monitors: [monitor({ type: "tcp" })] }, "checks of health by tcp"],
        ["other headers", { monitors: [monitor({ header: { Authorization: ["x"] } })] }, "headers in checks"],
        [
            "host names as members",
            { pools: [pool("b", "ams", ["relay.example.com"]), pool("c", "nyc", ["198.18.112.10"])] },
            "no IPv4 address",
        ],
        [
            "choice within a pool by the asker's address",
            { pools: [pool("b", "ams", ["198.18.0.10"], { steering: "hash" }), nyc!] },
            "steering by hash",
        ],
        [
            "a pool with weights that needs several members",
            {
                pools: [weightedPool(["198.18.0.10", 1], ["198.18.0.11", 0.5], { minimumOrigins: 2 }), nyc!],
            },
            "up only with 2 members",
        ],
        [
            "control characters in a path",
            { monitors: [monitor({ path: "/a\r\nHost: b" })] },
            "cannot be written",
        ],
        [
            "a pool that does not exist",
            { pools: [ams, nyc].filter((one) => one !== undefined).slice(0, 1) },
            "does not exist",
        ],
    ])("%s", (_, changes, message) => {
        expect(() => checkDns(station(changes))).toThrow(message);
    });

    it("and no value breaks out of its quotes", () => {
        expect(hash({ key: scalar('a" } \\ b') })).toBe('"key" => "a\\" } \\\\ b"\n');
        expect(() => hash({ "a\nb": scalar("c") })).toThrow("cannot be written");
    });
});

describe("status", () => {
    it("shows each name's pools in order, with the health of their members", () => {
        const states = new Map([
            ["198.18.0.10/check-aaaaaaaaaaaa", true],
            ["198.18.0.11/check-aaaaaaaaaaaa", false],
        ]);
        const data = station({ names: [plain("ams3.stream.radio.test", "198.18.0.10")] });
        expect(dnsTable(namesOf(data, states))).toEqual([
            ["NAME", "POOL", "MEMBERS"],
            ["stream.radio.test", "ams", "m0 up, m1 down"],
            ["stream.radio.test", "nyc (fallback)", "m0 unknown"],
            ["ams3.stream.radio.test", "", "198.18.0.10"],
        ]);
    });
});
