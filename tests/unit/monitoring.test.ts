import { renderMonitoring } from "../../components/monitoring/render";
import type { MonitoringPlan } from "../../components/monitoring/plan";
import { parseStation } from "../../config/station";
import { monitoringPlan } from "../support/monitoringPlan";
import { reveal, type Recorded } from "../support/mocks";
import { runProgram } from "../support/program";
import { filesOf, readDelivery } from "../support/readDelivery";
import { stationConfig } from "../support/station";

const plan: MonitoringPlan = { ...monitoringPlan, stationName: "Radio Meridian", region: "nyc3" };

function jsonOf(role: ReturnType<typeof renderMonitoring>, path: string): unknown {
    return JSON.parse(role.files.find((file) => file.path === path)?.content ?? "null");
}

describe("the role of the monitoring machine", () => {
    it("reads the metrics of every machine and its own, by labels that say which machine it is", () => {
        expect(jsonOf(renderMonitoring(plan), "/etc/aerial/prometheus/machines.json")).toEqual([
            { targets: ["192.0.2.1:9100"], labels: { machine: "master-a", role: "master", region: "ams3" } },
            {
                targets: ["192.0.2.2:9100"],
                labels: { machine: "relay-fra1-1", role: "relay", region: "fra1" },
            },
            {
                targets: ["127.0.0.1:9100"],
                labels: {
                    ...{ machine: "monitoring", role: "monitoring", region: "nyc3" },
                    ...{ __scrape_interval__: "5s", __scrape_timeout__: "4s" },
                },
            },
        ]);
    });

    it("sends metrics elsewhere only where that is wanted, with a key that is in no file of the role", () => {
        const path = "/etc/aerial/prometheus/prometheus.yml";
        expect(jsonOf(renderMonitoring(plan), path)).not.toHaveProperty("remote_write");
        const url = "https://metric-api.example/v1/write";
        const role = renderMonitoring({ ...plan, remoteWrite: { url, keySecret: "newRelicKey" } });
        const keyFile = "/etc/aerial/prometheus/remote-write-key";
        expect(jsonOf(role, path)).toMatchObject({
            remote_write: [{ url, authorization: { credentials_file: keyFile } }],
        });
        expect(role.files.find((file) => file.path === keyFile)).toMatchObject({
            content: "@{config.new-relic-key}",
            mode: "0640",
        });
    });

    it("does not restart Prometheus for another machine, which it sees by itself", () => {
        const [service] = renderMonitoring(plan).services.filter(
            ({ unit }) => unit === "aerial-prometheus.service",
        );
        expect(service?.onChange).toBe("reload");
        expect(service?.reads).not.toContain("/etc/aerial/prometheus/machines.json");
    });
});

describe("a station with a monitoring machine", () => {
    let resources: Recorded[];
    let outputs: Record<string, unknown>;

    beforeAll(async () => {
        ({ resources, outputs } = await runProgram({
            ...stationConfig(),
            monitoring: { region: "lon1", size: "s-1vcpu-2gb", statusPage: { private: [] } },
        }));
    });

    const inputs = (type: string, name: string): Record<string, unknown> =>
        resources.find((resource) => resource.type.endsWith(type) && resource.name === name)?.inputs ?? {};
    const delivery = (machine: string): string =>
        String(reveal(inputs("remote:Command", `${machine}-delivery`).stdin));

    it("has its droplet in its own region, with its tag", () => {
        expect(inputs("droplet:Droplet", "monitoring")).toMatchObject({
            region: "lon1",
            size: "s-1vcpu-2gb",
        });
        expect(outputs.machines).toMatchObject({ monitoring: { role: "monitoring", region: "lon1" } });
    });

    it.each(["master-a", "relay-nyc3-1", "monitoring"])("has %s offer its metrics", (machine) => {
        const files = filesOf(delivery(machine));
        expect(Object.keys(files)).toContain("/etc/systemd/system/aerial-exporter.service");
        // What was written before a boot is not offered after it.
        expect(files["/etc/tmpfiles.d/aerial-metrics.conf"]).toContain(
            `r! /var/lib/prometheus/node-exporter/aerial-${machine === "master-a" ? "master" : "updates"}.prom\n`,
        );
        expect(JSON.parse(files["/etc/aerial/metrics/web.yml"] ?? "")).toMatchObject({
            tls_server_config: {
                client_auth_type: "RequireAndVerifyClientCert",
                client_allowed_sans: ["monitoring.machine.aerial"],
            },
        });
        expect(Object.keys(readDelivery(delivery(machine)).secrets.files)).toEqual(
            expect.arrayContaining(["ca.pem", "machine.pem", "machine.key"]),
        );
    });

    it("has every machine restart, reload or wait with each of our programs that is another one", () => {
        const deliveries = resources.filter(({ name }) => name.endsWith("-delivery"));
        const forgotten = deliveries.flatMap(({ name, inputs: { stdin } }) => {
            const { services } = readDelivery(String(reveal(stdin)));
            const files = filesOf(String(reveal(stdin)));
            return services.flatMap(({ unit, reads }) => {
                const text = files[`/etc/systemd/system/${unit}`] ?? "";
                return [...text.matchAll(/^ExecStart=[-+@!:]*(\S+)/gm)]
                    .map(([, program = ""]) => program)
                    .filter((program) => program in files)
                    .filter((program) => !reads.some((path) => path === program))
                    .map((program) => `${name}: ${unit} ${program}`);
            });
        });
        expect(deliveries.length).toBeGreaterThan(4);
        expect(forgotten).toEqual([]);
    });

    it("gives each machine a certificate of its own, for its own name and the one that all have", () => {
        const request = inputs("certRequest:CertRequest", "relay-nyc3-1-machine-request-1");
        expect(request.dnsNames).toEqual(["relay-nyc3-1.machine.aerial", "machine.aerial"]);
        expect(
            inputs("locallySignedCert:LocallySignedCert", "relay-nyc3-1-machine-certificate-1"),
        ).toMatchObject({
            allowedUses: ["digital_signature", "server_auth", "client_auth"],
        });
    });

    it.each(["master-a-firewall", "relay-nyc3-firewall", "monitoring-firewall"])(
        "lets only the monitoring machine read metrics: %s",
        (firewall) => {
            const rules = inputs("firewall:Firewall", firewall).inboundRules as { portRange?: string }[];
            expect(rules.filter(({ portRange }) => portRange === "9100")).toEqual([
                { protocol: "tcp", portRange: "9100", sourceTags: ["aerial-test-monitoring"] },
            ]);
        },
    );

    it("tells the monitoring machine of every other one", () => {
        const targets = JSON.parse(
            filesOf(delivery("monitoring"))["/etc/aerial/prometheus/machines.json"] ?? "[]",
        ) as { labels: { machine: string } }[];
        expect(targets.map(({ labels }) => labels.machine).sort()).toEqual([
            "master-a",
            "master-b",
            "monitoring",
            "relay-nyc3-1",
            "relay-nyc3-2",
        ]);
    });
});

describe("a station without one", () => {
    it("has no exporter, no certificate for it, and no port open", async () => {
        const { resources } = await runProgram(stationConfig());
        const text = JSON.stringify(resources);
        expect(text).not.toContain("aerial-exporter");
        expect(text).not.toContain("-machine-certificate");
        expect(text).not.toContain('"9100"');
    });
});

describe("the section monitoring", () => {
    it.each([
        [{ region: "atlantis" }, /monitoring\.region is "atlantis": use a DigitalOcean region/],
        [{ region: "fra1", logDays: 0 }, /monitoring\.logDays is 0: use 1 to 365 days/],
        [{ region: "fra1", addressDays: 1 }, /monitoring\.addressDays is 1: use 2 to 365 days/],
        [{ region: "fra1", retentionDays: 0 }, /monitoring\.retentionDays is 0: use 1 to 730 days/],
        ["yes", /monitoring is "yes": describe the monitoring machine/],
        [
            { region: "fra1", remoteWrite: { url: "http://x.example", keySecret: "key" } },
            /remoteWrite\.url.*use an https address/,
        ],
    ])("refuses %j, and says what would be right", (monitoring, message) => {
        expect(() => parseStation({ ...stationConfig(), monitoring })).toThrow(message);
    });
});
