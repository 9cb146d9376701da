import * as pulumi from "@pulumi/pulumi";

import { renderMonitoring } from "../../components/monitoring/render";
import { loadSecrets } from "../../config";
import { parseStation } from "../../config/station";
import { statusPageParts } from "../../model/statusPage";
import type { Recorded } from "../support/mocks";
import { runProgram } from "../support/program";
import { stationConfig } from "../support/station";
import { statusPagePlan } from "../support/statusPagePlan";

type Role = ReturnType<typeof renderMonitoring>;

const fileOf = (role: Role, path: string) => role.files.find((file) => file.path === path);
const nginxOf = (role: Role): string => fileOf(role, "/etc/aerial/status-page/nginx.conf")?.content ?? "";

describe("the status page's part of the monitoring machine", () => {
    const role = renderMonitoring(statusPagePlan());

    it("tells the program of every Relay by address, and of the Masters, preferred first", () => {
        const settings: unknown = JSON.parse(
            fileOf(role, "/etc/aerial/status-page/settings.json")?.content ?? "null",
        );
        expect(settings).toMatchObject({
            prometheus: "http://127.0.0.1:9090",
            stream: "stream.radio.example",
            masters: [
                { name: "master-a", region: "ams3" },
                { name: "master-b", region: "fra1" },
            ],
            relays: [{ name: "relay-fra1-1", region: "fra1", address: "192.0.2.2" }],
            regions: { fra1: "Frankfurt, Germany" },
            private: ["alerts", "bill"],
            plan: { monthlyUsd: 30, includedGiB: 4000, transferUsdPerGib: 0.01 },
        });
    });

    it("has a certificate of its own, by the program that Masters have", () => {
        expect(JSON.parse(fileOf(role, "/etc/aerial/certificate.json")?.content ?? "null")).toMatchObject({
            names: ["status.radio.example"],
            rank: 0,
            peers: [],
        });
        expect(role.units).toEqual(
            expect.arrayContaining(["aerial-nginx.service", "aerial-certificate.timer"]),
        );
    });

    it("keeps the team's password in a file that only root reads", () => {
        expect(fileOf(role, "/etc/aerial/status-page/team-password")).toMatchObject({
            content: "@{config.team-password}",
            mode: "0600",
        });
    });

    it("has no password and no /team/ where nothing is private", () => {
        const open = renderMonitoring(statusPagePlan([]));
        expect(nginxOf(role)).toContain("/team/");
        expect(nginxOf(open)).not.toContain("/team/");
        expect(JSON.stringify(open)).not.toContain("@{config.team-password}");
    });

    it("loads nothing from elsewhere but the station's own streams", () => {
        const policy = /Content-Security-Policy "(.+?)" always/.exec(nginxOf(role))?.[1] ?? "";
        expect(policy.match(/https?:\/\/[^\s;]+/g)).toEqual(["https://stream.radio.example"]);
        expect(policy).not.toMatch(/unsafe|\*/);
        const site = role.files.filter(({ path }) => path.startsWith("/usr/local/share/aerial/status-page/"));
        expect(site).toHaveLength(4);
        for (const { content } of site) {
            expect(content).not.toMatch(/(src|href)="(https?:)?\/\/|@import|url\(/);
        }
    });

    it("is not there without the setting", () => {
        const { statusPage: _page, ...without } = statusPagePlan();
        const { files, units } = renderMonitoring(without);
        const found = [...files.map(({ path }) => path), ...units];
        expect(found.filter((one) => /status-page|aerial-nginx|certificate\.(json|timer)/.test(one))).toEqual(
            [],
        );
    });
});

describe("a station with a status page", () => {
    let resources: Recorded[];
    let outputs: Record<string, unknown>;

    beforeAll(async () => {
        ({ resources, outputs } = await runProgram({
            ...stationConfig(),
            monitoring: { region: "lon1", statusPage: { private: [] } },
        }));
    });

    it("has a name that leads to the monitoring machine, and an output that says so", () => {
        const record = resources.find(({ name }) => name === "status-page");
        const droplet = resources.find(
            ({ type, name }) => type.endsWith("droplet:Droplet") && name === "monitoring",
        );
        expect(record?.inputs).toMatchObject({ name: "status.radio.test", type: "A", proxied: false });
        expect(droplet).toBeDefined();
        expect(outputs.status).toBe("https://status.radio.test/");
    });

    it("opens the page's ports to everyone", () => {
        const firewall = resources.find(({ name }) => name === "monitoring-firewall");
        const rules = firewall?.inputs.inboundRules as { portRange?: string; sourceAddresses?: string[] }[];
        for (const port of ["80", "443"]) {
            expect(rules.find(({ portRange }) => portRange === port)?.sourceAddresses).toContain("0.0.0.0/0");
        }
    });
});

describe("a station without one", () => {
    it("has no such name, no output, and no port open", async () => {
        const { resources, outputs } = await runProgram({
            ...stationConfig(),
            monitoring: { region: "lon1" },
        });
        expect(JSON.stringify(resources)).not.toContain("status.radio.test");
        expect(outputs.status).toBeUndefined();
    });
});

describe("the section monitoring.statusPage", () => {
    const withPage = (statusPage: unknown) => ({
        ...stationConfig(),
        monitoring: { region: "fra1", statusPage },
    });

    it.each([
        [{ private: ["cellar"] }, /statusPage\.private\[0\] is "cellar": use parts of the page: listeners/],
        [{}, /statusPage\.teamSecret is nothing: name the secret that is the team's password/],
        [{ teamSecret: "no spaces" }, /teamSecret is "no spaces": name a secret/],
        ["yes", /statusPage is "yes": describe the page/],
    ])("refuses %j, and says what would be right", (statusPage, message) => {
        expect(() => parseStation(withPage(statusPage))).toThrow(message);
    });

    it("hides what is the team's business, unless told otherwise", () => {
        const { monitoring } = parseStation(withPage({ teamSecret: "teamPassword" }));
        const page = monitoring === "none" ? "none" : monitoring.statusPage;
        expect(page).toMatchObject({ private: ["masters", "sources", "backup", "alerts", "bill"] });
        expect(statusPageParts).toEqual(expect.arrayContaining(["listeners", "history"]));
    });

    it("asks for the secret that it names, before anything is created", () => {
        const station = parseStation(withPage({ teamSecret: "teamPassword" }));
        pulumi.runtime.setAllConfig({});
        expect(() => loadSecrets(station)).toThrow(
            /teamSecret is "teamPassword": the stack has no such secret.*pulumi config set --secret/,
        );
        pulumi.runtime.setAllConfig({ "aerial:teamPassword": "x" });
        expect(loadSecrets(station).teamPassword).toBeDefined();
        pulumi.runtime.setAllConfig({});
    });
});
