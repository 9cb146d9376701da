import { figuresRole } from "../../components/monitoring/figures";
import { logsRole } from "../../components/monitoring/logs";
import { journalUploadRole } from "../../components/machine/journalUpload";
import type { MachineRole } from "../../components/machine/role";
import { monitoringPlan } from "../support/monitoringPlan";
import { reveal, type Recorded } from "../support/mocks";
import { runProgram } from "../support/program";
import { filesOf } from "../support/readDelivery";
import { stationConfig } from "../support/station";

const contentOf = (role: MachineRole, path: string): string =>
    role.files.find((file) => file.path === path)?.content ?? "";

const plan = { address: "192.0.2.9", addressDays: 5 };

describe("what sends a machine's journal", () => {
    it.each(["master", "relay", "airtime"] as const)(
        "finds the monitoring machine on a %s by the name in its certificate, without DNS",
        (role) => {
            const rendered = journalUploadRole(role, plan);
            expect(contentOf(rendered, "/etc/aerial/journal/hosts")).toContain(
                "192.0.2.9 monitoring.machine.aerial\n",
            );
            expect(contentOf(rendered, "/etc/systemd/system/aerial-journal-upload.service")).toContain(
                "--url=https://monitoring.machine.aerial:19532",
            );
        },
    );

    it("puts listeners into the journal on Relays only, and keeps their addresses there no longer than it may", () => {
        expect(journalUploadRole("master", plan).units).toEqual(["aerial-journal-upload.service"]);
        const relay = journalUploadRole("relay", plan);
        expect(relay.units).toContain("aerial-listener-log.service");
        expect(contentOf(relay, "/etc/systemd/journald.conf.d/listeners.conf")).toContain(
            "MaxRetentionSec=5day",
        );
        expect(contentOf(relay, "/etc/systemd/system/aerial-access-log.service.d/days.conf")).toContain(
            "AERIAL_LOG_DAYS=5",
        );
    });
});

describe("what takes journals", () => {
    const machines = ["master-a", "relay-nyc3-1", "relay-nyc3-2"];
    const logs = { days: 30, limitMiB: 4096, addressDays: 5 };
    const gate = (names: readonly string[]): string =>
        contentOf(logsRole(logs, names), "/etc/aerial/journal/nginx.conf");
    const addressOf = (text: string, machine: string): string | undefined =>
        new RegExp(`"CN=${machine}\\.machine\\.aerial" (127\\.\\d+\\.\\d+\\.\\d+);`).exec(text)?.[1];

    it("admits the machines of the station, each by an address of its own", () => {
        const addresses = machines.map((machine) => addressOf(gate(machines), machine));
        expect(new Set(addresses).size).toBe(3);
        expect(addresses).not.toContain(undefined);
        expect(gate(machines)).toContain("ssl_verify_client on;");
    });

    it("does not let systemd-journal-remote delete files by limits of its own", () => {
        const path = "/etc/systemd/journal-remote.conf.d/aerial.conf";
        const role = logsRole(logs, machines);
        expect(contentOf(role, path)).toContain("[Remote]\nMaxFiles=100000\nMaxUse=5120M\n");
        expect(role.services).toContainEqual(
            expect.objectContaining({ unit: "aerial-journals.service", reads: [path] }),
        );
    });

    it("keeps a machine's files while others come and go", () => {
        expect(addressOf(gate(["relay-nyc3-2"]), "relay-nyc3-2")).toBe(
            addressOf(gate(machines), "relay-nyc3-2"),
        );
    });

    it("installs the table of countries only where somebody wants it", () => {
        const packages = (countries: boolean): string[] =>
            figuresRole({ ...monitoringPlan, figures: { ...monitoringPlan.figures, countries } }).packages;
        expect(packages(false)).not.toContain("python3-location");
        expect(packages(true)).toEqual(expect.arrayContaining(["libloc-database", "python3-location"]));
    });
});

describe("a station with a monitoring machine", () => {
    let resources: Recorded[];

    beforeAll(async () => {
        ({ resources } = await runProgram({
            ...stationConfig(),
            monitoring: { region: "lon1", addressDays: 9 },
        }));
    });

    const inputs = (type: string, name: string): Record<string, unknown> =>
        resources.find((resource) => resource.type.endsWith(type) && resource.name === name)?.inputs ?? {};
    const files = (machine: string): Record<string, string> =>
        filesOf(String(reveal(inputs("remote:Command", `${machine}-delivery`).stdin)));

    it("gives the monitoring machine an address that stays, and tells it to every other machine", () => {
        expect(inputs("reservedIp:ReservedIp", "monitoring-address")).toMatchObject({ region: "lon1" });
        for (const machine of ["master-a", "relay-nyc3-2"]) {
            expect(files(machine)["/etc/aerial/journal/hosts"]).toMatch(
                /^\d+\.\d+\.\d+\.\d+ monitoring\.machine\.aerial$/m,
            );
        }
        expect(files("monitoring")).not.toHaveProperty(["/etc/aerial/journal/hosts"]);
    });

    it("opens the port of journals for machines of the station only", () => {
        const rules = inputs("firewall:Firewall", "monitoring-firewall").inboundRules as {
            portRange?: string;
        }[];
        expect(rules.filter(({ portRange }) => portRange === "19532")).toEqual([
            { protocol: "tcp", portRange: "19532", sourceTags: ["aerial-test-monitored"] },
        ]);
        for (const machine of ["master-a", "relay-nyc3-1"]) {
            expect(inputs("droplet:Droplet", machine).tags).toContain("aerial-test-monitored");
        }
    });

    it("leaves whose address may be known to the Relays, too", () => {
        expect(files("relay-nyc3-1")["/etc/systemd/journald.conf.d/listeners.conf"]).toContain("9day");
    });
});

describe("a station without one", () => {
    it("sends no journal, and has no address for it", async () => {
        const text = JSON.stringify((await runProgram(stationConfig())).resources);
        expect(text).not.toContain("journal-upload");
        expect(text).not.toContain("monitoring-address");
        expect(text).not.toContain("-monitored");
    });
});
