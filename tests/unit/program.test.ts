import { describeLeftBehind } from "../../components/relayPool/leftBehind";
import { committedStation, runProgram } from "../support/program";
import { isSecret, reveal, type Recorded } from "../support/mocks";
import { filesOf, readDelivery } from "../support/readDelivery";
import { stationConfig } from "../support/station";

const firewallType = "digitalocean:index/firewall:Firewall";
const dropletType = "digitalocean:index/droplet:Droplet";
const commandType = "command:remote:Command";
const localType = "command:local:Command";
const assignmentType = "digitalocean:index/reservedIpAssignment:ReservedIpAssignment";

function ofType(resources: Recorded[], type: string): Recorded[] {
    return resources.filter((resource) => resource.type === type);
}

function find(resources: Recorded[], type: string, name: string): Recorded {
    const found = resources.find((resource) => resource.type === type && resource.name === name);
    if (!found) {
        throw new Error(`no ${type} named ${name}`);
    }
    return found;
}

/** One resource was asked for only when the other was there. */
function expectAfter(resources: Recorded[], later: [string, string], earlier: [string, string]): void {
    expect(find(resources, ...later).askedAt).toBeGreaterThan(find(resources, ...earlier).madeAt);
}

function inputsOf(resources: Recorded[], type: string, name: string): Record<string, unknown> {
    return find(resources, type, name).inputs;
}

/** The text of what a machine is delivered. */
function deliveryTo(resources: Recorded[], machine: string): string {
    return String(reveal(inputsOf(resources, commandType, `${machine}-delivery`).stdin));
}

describe("the program", () => {
    let resources: Recorded[];
    let outputs: Record<string, unknown>;

    beforeAll(async () => {
        ({ resources, outputs } = await runProgram(stationConfig()));
    });

    it("makes a droplet for every Master and Relay, and nothing else that runs", () => {
        expect(
            ofType(resources, dropletType)
                .map((droplet) => [droplet.name, droplet.inputs.region])
                .sort(),
        ).toEqual([
            ["master-a", "ams3"],
            ["master-b", "fra1"],
            ["relay-nyc3-1", "nyc3"],
            ["relay-nyc3-2", "nyc3"],
        ]);
    });

    it("changes Master b first, the preferred one when b is proven healthy, and Relays after both", () => {
        expectAfter(resources, [dropletType, "master-a"], [commandType, "master-b-delivery"]);
        expectAfter(resources, [dropletType, "relay-nyc3-1"], [commandType, "master-a-delivery"]);
        expectAfter(resources, [dropletType, "relay-nyc3-1"], [assignmentType, "master-a-address"]);
    });

    it("gives every Master an address that stays, and no Relay one", () => {
        expect(ofType(resources, "digitalocean:index/reservedIp:ReservedIp").map((ip) => ip.name)).toEqual([
            "ingest-a",
            "ingest-b",
        ]);
        expect(
            ofType(resources, "digitalocean:index/reservedIpAssignment:ReservedIpAssignment").map(
                (ip) => ip.name,
            ),
        ).toEqual(["master-b-address", "master-a-address"]);
    });

    it("opens Masters to encoders, and to links from the station's own machines", () => {
        const rules = inputsOf(resources, firewallType, "master-a-firewall").inboundRules;
        expect(rules).toEqual(
            expect.arrayContaining([
                { protocol: "tcp", portRange: "8000", sourceAddresses: ["0.0.0.0/0", "::/0"] },
                { protocol: "tcp", portRange: "8443", sourceTags: ["aerial-test-link"] },
            ]),
        );
    });

    it("never opens SSH or a link to the world", () => {
        for (const { inputs } of ofType(resources, firewallType)) {
            const rules = inputs.inboundRules as { portRange?: string; sourceAddresses?: string[] }[];
            const open = rules
                .filter((rule) => rule.sourceAddresses?.includes("0.0.0.0/0"))
                .map((r) => r.portRange);
            expect(["8000", "80", "443", undefined]).toEqual(expect.arrayContaining(open));
        }
    });

    it("delivers to a Master every source's password, the link's, and its certificate", () => {
        const { stdin } = inputsOf(resources, commandType, "master-a-delivery");
        expect(isSecret(stdin)).toBe(true);
        expect(readDelivery(String(reveal(stdin))).secrets).toEqual({
            values: {
                "source.main.studio": "password of credentials-main-studio-1",
                "source.main.mobile": "password of credentials-main-mobile-1",
                "source.main.airtime": "password of credentials-main-airtime-1",
                "relay.link": "relay-1:password of credentials-link-1",
                "relay.link.1": "password of credentials-link-1",
                "relay.link.2": "password of credentials-link-2",
            },
            files: {
                "ca.pem": "certificate authority-certificate-1\ncertificate authority-certificate-2\n",
                "tls.pem": "certificate master-a-link-certificate-1",
                "tls.key": "private PEM of master-a-link-key-1",
            },
        });
    });

    it("delivers to a Relay only what it pulls with", () => {
        const { values, files } = readDelivery(deliveryTo(resources, "relay-nyc3-1")).secrets;
        expect(Object.keys(values)).toEqual(["relay.link"]);
        expect(Object.keys(files)).toEqual(["ca.pem"]);
    });

    it("gives every machine the same user data but for its name and its key of the first contact", () => {
        const texts = ofType(resources, dropletType).map(({ name, inputs }) =>
            String(reveal(inputs.userData)).replaceAll(name, "NAME"),
        );
        expect(texts).toHaveLength(4);
        expect(texts[0]).toContain("private key of NAME-enrol-key");
        expect(new Set(texts).size).toBe(1);
    });

    it("puts no password and no lasting key into any user data", () => {
        const droplets = ofType(resources, dropletType);
        expect(droplets).toHaveLength(4);
        for (const { inputs } of droplets) {
            const text = String(reveal(inputs.userData));
            expect(text).not.toContain("password of ");
            expect(text).not.toContain("private PEM of ");
            expect(text.match(/private key of [\w-]+/g)).toEqual([expect.stringMatching(/-enrol-key$/)]);
        }
    });

    it("puts no secret into the files of a delivery: they have placeholders", () => {
        for (const machine of ["master-a", "master-b", "relay-nyc3-1", "relay-nyc3-2"]) {
            const text = Object.values(filesOf(deliveryTo(resources, machine))).join("\n");
            expect(text.match(/password of credentials|private (PEM|key) of /)).toBeNull();
        }
    });

    it("has Relays pull from the Masters' lasting addresses, preferred first", () => {
        const [a, b] = (outputs.ingest as { masters: { id: string; host: string }[] }).masters;
        const files = filesOf(deliveryTo(resources, "relay-nyc3-1"));
        const nginx = Object.entries(files)
            .filter(([path]) => path.includes("nginx"))
            .map(([, text]) => text)
            .join("\n");
        expect(nginx.indexOf(a?.host ?? "none")).toBeGreaterThan(-1);
        expect(nginx.indexOf(b?.host ?? "none")).toBeGreaterThan(nginx.indexOf(a?.host ?? "none"));
    });

    it("outputs its plan, with the cost of what is configured where nobody has said how many listen", () => {
        expect(outputs.plan).toMatchObject({
            pools: [{ region: "nyc3", count: 2, listenerLimit: 2200 }],
            droplets: 4,
            items: expect.arrayContaining([
                expect.objectContaining({ name: "Relays nyc3", monthlyUsd: 12 }),
            ]) as unknown,
        });
        expect(outputs.plan).not.toHaveProperty("listeners");
    });

    it("outputs every setting that a studio's encoder needs", () => {
        expect(outputs.station).toEqual({ name: "Radio Test", domain: "radio.test" });
        expect(outputs.ingest).toMatchObject({
            masters: [
                { id: "a", port: 8000 },
                { id: "b", port: 8000 },
            ],
            encoder: { codec: "mp3", bitrateKbps: 320 },
            sources: { main: { studio: { title: "Studio", mount: "/main-studio", user: "studio" } } },
        });
        expect(outputs.ingestPasswords).toEqual({
            main: {
                studio: "password of credentials-main-studio-1",
                mobile: "password of credentials-main-mobile-1",
                airtime: "password of credentials-main-airtime-1",
            },
        });
    });
});

describe("a change of Relays", () => {
    const station = {
        ...stationConfig(),
        relays: [
            { region: "ams3", count: 3 },
            { region: "nyc3", count: 2 },
            { region: "sgp1", count: 1, upstreamRegions: ["nyc3"] },
        ],
    };
    let resources: Recorded[];

    beforeAll(async () => {
        ({ resources } = await runProgram(station));
    });

    const delivery = (machine: string): [string, string] => [commandType, `${machine}-delivery`];
    const droplet = (machine: string): [string, string] => [dropletType, machine];

    it("reaches one of them first, and the others only when that one is healthy", () => {
        for (const other of [
            "relay-ams3-2",
            "relay-ams3-3",
            "relay-nyc3-1",
            "relay-nyc3-2",
            "relay-sgp1-1",
        ]) {
            expectAfter(resources, droplet(other), delivery("relay-ams3-1"));
        }
    });

    it("takes one of a region at a time, and regions side by side", () => {
        expectAfter(resources, delivery("relay-ams3-2"), delivery("relay-ams3-1"));
        expectAfter(resources, delivery("relay-ams3-3"), delivery("relay-ams3-2"));
        expectAfter(resources, delivery("relay-nyc3-2"), delivery("relay-nyc3-1"));
        const [ams, nyc] = [delivery("relay-ams3-3"), delivery("relay-nyc3-1")];
        expect(find(resources, ...nyc).askedAt).toBeLessThan(find(resources, ...ams).askedAt);
    });

    it("makes new droplets side by side, but for the first one", () => {
        expect(find(resources, ...droplet("relay-ams3-3")).askedAt).toBeLessThan(
            find(resources, ...delivery("relay-ams3-2")).askedAt,
        );
    });

    it("makes all of a new station's machines side by side, but a tier after the one above it", async () => {
        const firstUp = await runProgram(station, "test", [], {}, {});
        const sideBySide: [string, string][] = [
            ["master-a", "master-b"],
            ["relay-ams3-2", "relay-ams3-1"],
            ["relay-ams3-3", "relay-ams3-2"],
            ["relay-nyc3-1", "relay-ams3-1"],
        ];
        for (const [one, other] of sideBySide) {
            expect(find(firstUp.resources, ...delivery(one)).askedAt).toBeLessThan(
                find(firstUp.resources, ...delivery(other)).madeAt,
            );
        }
        expectAfter(firstUp.resources, droplet("relay-sgp1-1"), delivery("relay-nyc3-1"));
        expectAfter(firstUp.resources, droplet("relay-ams3-1"), delivery("master-a"));
    });

    it("reaches a second tier when the Relays above it have their addresses", () => {
        for (const above of ["relay-nyc3-1", "relay-nyc3-2"]) {
            expectAfter(resources, droplet("relay-sgp1-1"), delivery(above));
            expectAfter(resources, droplet("relay-sgp1-1"), [assignmentType, `${above}-address`]);
        }
    });

    it("ends every Relay's droplet by its listeners, and no other droplet", () => {
        const ends = ofType(resources, localType).filter(({ name }) => name.endsWith("-end"));
        expect(ends.map(({ name }) => name).sort()).toEqual([
            "relay-ams3-1-end",
            "relay-ams3-2-end",
            "relay-ams3-3-end",
            "relay-nyc3-1-end",
            "relay-nyc3-2-end",
            "relay-sgp1-1-end",
        ]);
        expect(find(resources, localType, "relay-nyc3-1-end").inputs.environment).toMatchObject({
            AERIAL_DRAIN_LIMIT_SECONDS: "7200",
            AERIAL_WAIT_LIMIT_SECONDS: "300",
            // Plain records live 60 s, and health is looked at every 60 s.
            AERIAL_ANSWER_SECONDS: "120",
            AERIAL_CLOSE_PER_SECOND: "5",
            AERIAL_DRAINING_TAG: "aerial-test-draining",
        });
    });

    it("takes a reserved address from an old droplet before that ends", () => {
        expectAfter(resources, [assignmentType, "relay-nyc3-1-address"], [localType, "relay-nyc3-1-end"]);
    });
});

describe("a Relay whose new size waits", () => {
    it("takes as many listeners as the droplet carries that is there", async () => {
        const station = {
            ...stationConfig(),
            relays: [{ region: "nyc3", count: 2, size: "s-2vcpu-2gb" }],
            rollout: { quietHour: new Date(Date.now() + 12 * 3_600_000).toISOString().slice(11, 16) },
        };
        const kept = { "relay-nyc3-1": { size: "s-1vcpu-1gb" } };
        const { resources, outputs } = await runProgram(station, "test", [], kept);
        const limitOf = (machine: string) =>
            /<max-listeners>(\d+)</.exec(
                filesOf(deliveryTo(resources, machine))["/etc/aerial/icecast/a.xml"] ?? "",
            )?.[1];
        expect([limitOf("relay-nyc3-1"), limitOf("relay-nyc3-2")]).toEqual(["2200", "4400"]);
        expect(outputs.fingerprints).toMatchObject({
            "relay-nyc3-1": { droplet: { size: "s-1vcpu-1gb" }, waits: { size: "s-2vcpu-2gb" } },
            "relay-nyc3-2": { droplet: { size: "s-2vcpu-2gb" }, waits: {} },
        });
    });
});

describe("droplets that were left behind", () => {
    const droplet = (id: number, name: string, change: object = {}): Record<string, unknown> => ({
        ...{
            id,
            name,
            region: "nyc3",
            ipv4Address: "192.0.2.9",
            status: "active",
            tags: ["aerial-test-link"],
        },
        ...change,
    });
    const draining = { tags: ["aerial-test-link", "aerial-test-draining"] };
    const leftBehind = [
        droplet(401, "relay-nyc3-1"),
        droplet(301, "relay-nyc3-1", { ...draining, status: "off" }),
        droplet(302, "relay-nyc3-2", draining),
        droplet(303, "relay-ams3-1", { ...draining, region: "ams3", status: "off" }),
    ];

    it("are listed, and deleted by the pool of their region when they are off", async () => {
        const { resources, outputs } = await runProgram(stationConfig(), "test", leftBehind);
        const { create, environment, ...more } = inputsOf(resources, localType, "relay-nyc3-left-behind");
        expect(create).toMatch(/ off$/);
        expect(more.delete).toMatch(/ all$/);
        expect(environment).toMatchObject({
            AERIAL_OFF: "[301]",
            AERIAL_DRAINING_TAG: "aerial-test-draining",
            AERIAL_VPC: expect.stringMatching(/^\d+$/) as string,
        });
        expect(outputs.draining).toEqual([
            { droplet: 301, name: "relay-nyc3-1", region: "nyc3", address: "192.0.2.9", off: true },
            { droplet: 302, name: "relay-nyc3-2", region: "nyc3", address: "192.0.2.9", off: false },
            { droplet: 303, name: "relay-ams3-1", region: "ams3", address: "192.0.2.9", off: true },
        ]);
    });

    it("are not known where DigitalOcean does not say, which no change has to wait for", async () => {
        const warned = jest.spyOn(console, "warn").mockImplementation(() => {});
        const silent = new Error("GET https://api.digitalocean.com/v2/droplets: 503 Server Error");
        const { resources, outputs } = await runProgram(stationConfig(), "test", silent);
        expect(outputs.draining).toBe("not known");
        expect(ofType(resources, dropletType)).toHaveLength(4);
        expect(inputsOf(resources, localType, "relay-nyc3-left-behind").environment).toMatchObject({
            AERIAL_OFF: "[]",
        });
        const words = warned.mock.calls.flat().join("\n");
        warned.mockRestore();
        expect(words).toMatch(/not known what was left behind: .*503 Server Error/);
    });

    it("are none at rest", async () => {
        const { resources, outputs } = await runProgram(stationConfig());
        expect(outputs.draining).toEqual([]);
        expect(inputsOf(resources, localType, "relay-nyc3-left-behind").environment).toMatchObject({
            AERIAL_OFF: "[]",
        });
    });

    it("are found by a tag that the program's own tags have", async () => {
        const { resources } = await runProgram(stationConfig());
        const names = ofType(resources, "digitalocean:index/tag:Tag").map(({ inputs }) => inputs.name);
        expect(names).toEqual(expect.arrayContaining(["aerial-test-link", "aerial-test-draining"]));
    });
});

describe("what a preview says of droplets that no state has", () => {
    const found = (id: number, name: string, change: object = {}) => ({
        ...{ id, name, region: "ams3", address: "192.0.2.9", draining: false, off: false },
        ...change,
    });
    const machines = ["master-a", "relay-ams3-1"];

    it("is nothing at rest", () => {
        expect(describeLeftBehind([found(1, "master-a"), found(2, "relay-ams3-1")], machines)).toEqual([]);
    });

    it("names each that was left behind, and whether it still costs a listener anything", () => {
        const left = [
            found(1, "relay-ams3-1", { draining: true }),
            found(2, "relay-ams3-1", { draining: true, off: true }),
            found(3, "relay-ams3-1"),
        ];
        expect(describeLeftBehind(left, machines)).toEqual([
            "Left behind: relay-ams3-1 (droplet 1, 192.0.2.9) still drains; it ends by itself, and a later pulumi up deletes it",
            "Left behind: relay-ams3-1 (droplet 2, 192.0.2.9) has ended, and is deleted by pulumi up",
        ]);
    });

    it("names one that is wanted and switched off, until another one takes its place", () => {
        const off = found(2, "relay-ams3-1", { off: true });
        expect(describeLeftBehind([found(1, "master-a"), off], machines)).toEqual([
            "Switched off: relay-ams3-1 (droplet 2, 192.0.2.9) is in the configuration and serves nobody; " +
                "delete it, then pulumi up --refresh makes another one",
        ]);
        expect(describeLeftBehind([off, found(3, "relay-ams3-1")], machines)).toEqual([
            expect.stringMatching(/^Twice there: relay-ams3-1 \(droplet 2, 192.0.2.9\) and /),
        ]);
    });

    it("names both of two, since either may serve, and one that nobody wants", () => {
        const lost = [found(1, "relay-ams3-1"), found(2, "relay-ams3-1"), found(3, "relay-ams3-9")];
        expect(describeLeftBehind(lost, machines)).toEqual([
            expect.stringMatching(
                /^Twice there: relay-ams3-1 \(droplet 1, 192.0.2.9\) and relay-ams3-1 \(droplet 2, 192.0.2.9\); either/,
            ),
            expect.stringMatching(/^Not in the configuration: relay-ams3-9 \(droplet 3, /),
        ]);
    });
});

describe("the station's names", () => {
    let resources: Recorded[];
    let outputs: Record<string, unknown>;
    const poolType = "cloudflare:index/loadBalancerPool:LoadBalancerPool";
    const balancerType = "cloudflare:index/loadBalancer:LoadBalancer";

    beforeAll(async () => {
        ({ resources, outputs } = await runProgram({
            ...stationConfig(),
            relays: [
                { region: "ams3", count: 1 },
                { region: "nyc3", count: 2 },
            ],
        }));
    });

    it("are one for listeners, one for sources, and one for each region", () => {
        expect(outputs.names).toEqual({
            stream: "stream.radio.test",
            ingest: "ingest.radio.test",
            regions: { ams3: "ams3.stream.radio.test", nyc3: "nyc3.stream.radio.test" },
        });
    });

    it("are answered without a proxy, with a pool for each region and each Master", () => {
        const pools = ofType(resources, poolType).map(({ name, inputs }) => [
            name,
            (inputs.origins as { name: string }[]).map((origin) => origin.name),
            inputs.checkRegions,
        ]);
        expect(pools.sort()).toEqual([
            ["aerial-test-ingest-a", ["a"], ["WEU"]],
            ["aerial-test-ingest-b", ["b"], ["WEU"]],
            ["aerial-test-stream-ams3", ["relay-ams3-1"], ["WEU"]],
            ["aerial-test-stream-nyc3", ["relay-nyc3-1", "relay-nyc3-2"], ["ENAM"]],
        ]);
        for (const { inputs } of ofType(resources, balancerType)) {
            expect(inputs).toMatchObject({ proxied: false, ttl: 30 });
        }
    });

    it("send every region to its nearest Relays, then to the others, and unknown places to the larger pool", () => {
        const ids = new Map(
            resources.map((resource, index) => [resource.name + resource.type, String(1001 + index)]),
        );
        const id = (region: string): string | undefined => ids.get(`aerial-test-stream-${region}${poolType}`);
        const stream = inputsOf(resources, balancerType, "names-stream");
        const byRegion = stream.regionPools as Record<string, string[]>;
        expect(stream.steeringPolicy).toBe("geo");
        expect(Object.keys(byRegion)).toHaveLength(13);
        expect(byRegion.WEU).toEqual([id("ams3"), id("nyc3")]);
        expect(byRegion.ENAM).toEqual([id("nyc3"), id("ams3")]);
        expect(stream.defaultPools).toEqual([id("nyc3"), id("ams3")]);
        expect(stream.fallbackPool).toBe(id("nyc3"));
    });

    it("send sources to the preferred Master, wherever they are", () => {
        const ingest = inputsOf(resources, balancerType, "names-ingest");
        expect(ingest.steeringPolicy).toBe("off");
        expect(ingest.regionPools).toBeUndefined();
        expect(ingest.defaultPools).toHaveLength(2);
        expect(ingest.fallbackPool).toBe((ingest.defaultPools as string[])[0]);
    });

    it("answer only with what proves that its audio advances", () => {
        for (const { inputs } of ofType(
            resources,
            "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor",
        )) {
            expect(inputs).toMatchObject({ type: "http", path: "/healthz", port: 80, expectedCodes: "200" });
        }
    });

    it("name machines only when they are ready", () => {
        expectAfter(resources, [poolType, "aerial-test-stream-ams3"], [commandType, "relay-nyc3-2-delivery"]);
    });

    it("give plain records at least the TTL that the plan demands", () => {
        const records = ofType(resources, "cloudflare:index/dnsRecord:DnsRecord");
        expect(records.map(({ name, inputs }) => [name, inputs.name, inputs.ttl])).toEqual([
            ["names-ams3-relay-ams3-1", "ams3.stream.radio.test", 60],
            ["names-nyc3-relay-nyc3-1", "nyc3.stream.radio.test", 60],
            ["names-nyc3-relay-nyc3-2", "nyc3.stream.radio.test", 60],
        ]);
    });
});

describe("a second tier of Relays", () => {
    it("pulls from Relays of the first, at addresses that stay, and only there is a link port open", async () => {
        const { resources } = await runProgram({
            ...stationConfig(),
            relays: [
                { region: "ams3", count: 3 },
                { region: "nyc3", count: 1, upstreamRegions: ["ams3"] },
            ],
        });
        const addresses = ofType(resources, "digitalocean:index/reservedIp:ReservedIp").map((ip) => ip.name);
        expect(addresses).toEqual(["ingest-a", "ingest-b", "relay-ams3-1-link", "relay-ams3-2-link"]);
        const ports = (pool: string): (string | undefined)[] =>
            (
                inputsOf(resources, firewallType, `${pool}-firewall`).inboundRules as { portRange?: string }[]
            ).map((rule) => rule.portRange);
        expect(ports("relay-ams3")).toContain("8443");
        expect(ports("relay-nyc3")).not.toContain("8443");
        expectAfter(resources, [dropletType, "relay-nyc3-1"], [commandType, "relay-ams3-3-delivery"]);
        expectAfter(resources, [dropletType, "relay-nyc3-1"], [assignmentType, "relay-ams3-2-address"]);
        const files = filesOf(deliveryTo(resources, "relay-nyc3-1"));
        expect(Object.values(files).join("\n")).toContain("relay-ams3.link.aerial");
    });
});

describe("the committed stacks", () => {
    it.each(["prod", "preprod", "lab"])("%s is a valid station that the program builds", async (stack) => {
        const { resources } = await runProgram(committedStation(stack), stack);
        expect(ofType(resources, dropletType).length).toBeGreaterThanOrEqual(5);
        const names = ofType(resources, firewallType).map((firewall) => String(firewall.inputs.name));
        expect(names.every((name) => name.startsWith(`aerial-${stack}-`))).toBe(true);
    });
});
