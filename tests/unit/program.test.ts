import { committedStation, runProgram } from "../support/program";
import { isSecret, reveal, type Recorded } from "../support/mocks";
import { filesOf } from "../support/userData";
import { stationConfig } from "../support/station";

const firewallType = "digitalocean:index/firewall:Firewall";
const dropletType = "digitalocean:index/droplet:Droplet";
const commandType = "command:remote:Command";

function ofType(resources: Recorded[], type: string): Recorded[] {
    return resources.filter((resource) => resource.type === type);
}

function inputsOf(resources: Recorded[], type: string, name: string): Record<string, unknown> {
    const found = resources.find((resource) => resource.type === type && resource.name === name);
    if (!found) {
        throw new Error(`no ${type} named ${name}`);
    }
    return found.inputs;
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

    it("starts Master b only when a is proven healthy, and Relays after both", () => {
        const order = resources.map((resource) => `${resource.type} ${resource.name}`);
        const at = (type: string, name: string): number => order.indexOf(`${type} ${name}`);
        expect(at(dropletType, "master-b")).toBeGreaterThan(at(commandType, "master-a-ready"));
        expect(at(dropletType, "relay-nyc3-1")).toBeGreaterThan(at(commandType, "master-b-ready"));
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
        ).toEqual(["master-a-address", "master-b-address"]);
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
        const stdin = inputsOf(resources, commandType, "master-a-secrets").stdin;
        expect(isSecret(stdin)).toBe(true);
        const { values, files } = JSON.parse(String(reveal(stdin))) as Record<string, Record<string, string>>;
        expect(values).toEqual({
            "source.main.studio": "password of credentials-main-studio",
            "source.main.mobile": "password of credentials-main-mobile",
            "source.main.airtime": "password of credentials-main-airtime",
            "relay.link": "password of credentials-link",
        });
        expect(files).toEqual({
            "ca.pem": "certificate authority-certificate",
            "tls.pem": "certificate master-a-link-certificate",
            "tls.key": "private PEM of master-a-link-key",
        });
    });

    it("delivers to a Relay only what it pulls with", () => {
        const { values, files } = JSON.parse(
            String(reveal(inputsOf(resources, commandType, "relay-nyc3-1-secrets").stdin)),
        ) as Record<string, Record<string, string>>;
        expect(Object.keys(values ?? {})).toEqual(["relay.link"]);
        expect(Object.keys(files ?? {})).toEqual(["ca.pem"]);
    });

    it("puts no password and no lasting key into any user data", () => {
        const droplets = ofType(resources, dropletType);
        expect(droplets).toHaveLength(4);
        for (const { inputs } of droplets) {
            const text = Object.values(filesOf(String(reveal(inputs.userData)))).join("\n");
            expect(text).not.toContain("password of ");
            expect(text).not.toContain("private PEM of ");
            expect(text.match(/private key of [\w-]+/g)).toEqual([expect.stringMatching(/-enrol-key$/)]);
        }
    });

    it("has Relays pull from the Masters' lasting addresses, preferred first", () => {
        const [a, b] = (outputs.ingest as { masters: { id: string; host: string }[] }).masters;
        const files = filesOf(String(reveal(inputsOf(resources, dropletType, "relay-nyc3-1").userData)));
        const nginx = Object.entries(files)
            .filter(([path]) => path.includes("nginx"))
            .map(([, text]) => text)
            .join("\n");
        expect(nginx.indexOf(a?.host ?? "none")).toBeGreaterThan(-1);
        expect(nginx.indexOf(b?.host ?? "none")).toBeGreaterThan(nginx.indexOf(a?.host ?? "none"));
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
                studio: "password of credentials-main-studio",
                mobile: "password of credentials-main-mobile",
                airtime: "password of credentials-main-airtime",
            },
        });
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
        const order = resources.map((resource) => `${resource.type} ${resource.name}`);
        expect(order.indexOf(`${poolType} aerial-test-stream-ams3`)).toBeGreaterThan(
            order.indexOf(`${commandType} relay-nyc3-2-ready`),
        );
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
        const order = resources.map((resource) => `${resource.type} ${resource.name}`);
        expect(order.indexOf(`${dropletType} relay-nyc3-1`)).toBeGreaterThan(
            order.indexOf(`${commandType} relay-ams3-3-ready`),
        );
        const files = filesOf(String(reveal(inputsOf(resources, dropletType, "relay-nyc3-1").userData)));
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
