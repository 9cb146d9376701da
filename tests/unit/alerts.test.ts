import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import {
    alertRules,
    inhibitions,
    runbookAnchor,
    type AlertFacts,
} from "../../components/monitoring/alertRules";
import { alertmanagerConfiguration, rulesOf } from "../../components/monitoring/alerts";
import { loadSecrets, namedSecrets } from "../../config/secrets";
import { parseStation } from "../../config/station";
import { checkout } from "../../lab/paths";
import { reveal } from "../support/mocks";
import { runProgram } from "../support/program";
import { filesOf, readDelivery } from "../support/readDelivery";
import { stationConfig } from "../support/station";

const facts: AlertFacts = {
    silenceSeconds: 15,
    includedTransferGiB: 4000,
    backup: true,
    airtimeSource: "airtime",
};
const rules = alertRules(facts);

const alerts = {
    receivers: {
        engineer: [
            {
                email: {
                    to: ["engineer@radio.example"],
                    from: "aerial@radio.example",
                    server: "smtp.radio.example",
                    user: "aerial",
                    passwordSecret: "smtpPassword",
                },
            },
            { ntfy: { urlSecret: "ntfyUrl" } },
        ],
        escalation: [{ ntfy: { urlSecret: "ntfyUrl" } }, { slack: { urlSecret: "slackUrl" } }],
    },
    heartbeatUrlSecret: "heartbeatUrl",
    runbooksUrl: "https://git.radio.example/runbooks",
};
const secrets = {
    "aerial:smtpPassword": 'pass "word"',
    "aerial:ntfyUrl": "https://ntfy.example/topic",
    "aerial:slackUrl": "https://hooks.slack.example/x",
    "aerial:heartbeatUrl": "https://heartbeat.example/y",
};

describe("the table of alerts", () => {
    it("has each name once, and says what listeners hear, what Aerial does, and what is to be done", () => {
        expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
        for (const { name, title, what, covered, todo } of rules) {
            expect({ name, empty: [title, what, covered, todo].includes("") }).toEqual({
                name,
                empty: false,
            });
        }
    });

    it("has a section in the runbook for each alert, and for nothing else", () => {
        const text = readFileSync(join(checkout, "docs/runbooks/alerts.md"), "utf8");
        const sections = [...text.matchAll(/^### (.+)$/gm)].map(([, heading = ""]) =>
            heading.toLowerCase().replaceAll(" ", "-"),
        );
        expect(sections.sort()).toEqual(rules.map(({ name }) => runbookAnchor(name)).sort());
    });

    it("tells the studio of silence before the source counts as absent", () => {
        expect(rules.find(({ name }) => name === "SilenceOnAir")).toMatchObject({
            audience: "studio",
            forSeconds: 0,
            expression: expect.stringContaining("silent_seconds >= 7") as string,
        });
    });

    it("knows every alert that one cause holds back", () => {
        const names = rules.map(({ name }) => name);
        for (const { cause, effects } of inhibitions(facts)) {
            expect(names).toEqual(expect.arrayContaining([cause, ...effects]));
        }
    });

    it("holds back what follows from a lost machine until it is over, too", () => {
        const lasts = (name: string): number =>
            rules.find((rule) => rule.name === name)?.keepFiringSeconds ?? 0;
        const lost = inhibitions(facts).filter(({ cause }) =>
            ["NothingSeen", "MastersDown", "RegionOut"].includes(cause),
        );
        const sooner = lost.flatMap(({ cause, effects }) =>
            effects
                // It goes by the past, in which no source was seen to change.
                .filter((effect) => effect !== "SourceFlapping")
                .filter((effect) => lasts(cause) < lasts(effect) + 30)
                .map((effect) => `${cause}: ${effect}`),
        );
        expect(lost).toHaveLength(4);
        expect(sooner).toEqual([]);
    });

    it("asks for a clip only where the alert is of a channel", () => {
        for (const { name, clip, expression } of rules.filter(({ clip }) => clip === true)) {
            expect({ name, clip, channel: /aerial_ears_|channel/.test(expression) }).toEqual({
                ...{ name, clip },
                channel: true,
            });
        }
    });

    it("evaluates at once what must not wait", () => {
        const { groups } = rulesOf({ alertFacts: facts }) as {
            groups: { name: string; interval?: string; rules: { alert: string }[] }[];
        };
        const [atOnce] = groups;
        expect(atOnce?.interval).toBe("5s");
        expect(atOnce?.rules.map(({ alert }) => alert)).toEqual(
            expect.arrayContaining(["Watchdog", "OffAir", "SilenceOnAir"]),
        );
    });

    it("sends the watchdog twice a minute, and everything else once for one cause", () => {
        expect(alertmanagerConfiguration({ alertFacts: facts })).toMatchObject({
            route: {
                group_by: ["alertname"],
                routes: [{ receiver: "watchdog", repeat_interval: "50s" }],
            },
            inhibit_rules: expect.arrayContaining([
                {
                    source_matchers: ['alertname="MachineUnseen"', 'machine="airtime"'],
                    target_matchers: ['alertname=~"SourceLost"', 'source="airtime"'],
                    equal: [],
                },
            ]) as unknown,
        });
    });
});

describe("a station that tells people", () => {
    const delivered = async (monitoring: object, given: Record<string, string>) => {
        const { resources } = await runProgram(
            { ...stationConfig(), monitoring },
            "test",
            [],
            {},
            undefined,
            given,
        );
        const delivery = resources.find(({ name }) => name === "monitoring-delivery");
        return String(reveal(delivery?.inputs.stdin));
    };

    it("gives each receiver once, with secrets that are in no file of the role", async () => {
        const delivery = await delivered({ region: "lon1", alerts }, secrets);
        const text = filesOf(delivery)["/etc/aerial/alerts/alerts.json"] ?? "";
        expect(text).toContain('"password": @{config.smtp-password}');
        const settings = JSON.parse(text.replace(/@\{(.+?)\}/g, '"@{$1}"')) as unknown;
        expect(settings).toMatchObject({
            digestHour: 9,
            escalateAfterMinutes: 30,
            runbooks: "https://git.radio.example/runbooks/",
            heartbeatUrl: "@{config.heartbeat-url}",
            receivers: {
                "email-1": { kind: "email", port: 587, security: "starttls", user: "aerial" },
                "ntfy-2": { kind: "ntfy", url: "@{config.ntfy-url}" },
                "slack-3": { kind: "slack", url: "@{config.slack-url}" },
            },
            lists: { engineer: ["email-1", "ntfy-2"], studio: [], escalation: ["ntfy-2", "slack-3"] },
        });
        expect(readDelivery(delivery).secrets.values).toEqual({
            "config.smtp-password": secrets["aerial:smtpPassword"],
            "config.ntfy-url": secrets["aerial:ntfyUrl"],
            "config.slack-url": secrets["aerial:slackUrl"],
            "config.heartbeat-url": secrets["aerial:heartbeatUrl"],
        });
    });

    it("has rules and what lasts also where nobody is told", async () => {
        const files = filesOf(await delivered({ region: "lon1" }, {}));
        expect(JSON.parse(files["/etc/aerial/alerts/alerts.json"] ?? "")).toMatchObject({
            receivers: {},
            heartbeatUrl: null,
        });
        expect(Object.keys(files)).toContain("/etc/aerial/prometheus/alerts.yml");
    });

    it("is not made while a secret that it names is missing", () => {
        pulumi.runtime.setAllConfig({});
        const station = parseStation({ ...stationConfig(), monitoring: { region: "lon1", alerts } });
        expect(() => loadSecrets(station)).toThrow(
            /heartbeatUrlSecret is "heartbeatUrl": the stack has no such secret; set it: pulumi config set --secret aerial:heartbeatUrl/,
        );
    });
});

describe("the section monitoring.alerts", () => {
    const receiver = (given: object): object => ({
        region: "fra1",
        alerts: { receivers: { engineer: [given] } },
    });

    it.each([
        [
            { region: "fra1", alerts: { receivers: { engineer: [] } } },
            /engineer is \[\]: give at least one receiver/,
        ],
        [
            receiver({ slack: { urlSecret: "a" }, ntfy: { urlSecret: "b" } }),
            /engineer\[0\] is .*: give exactly one of email, webhook, slack and ntfy/,
        ],
        [
            receiver({ slack: { urlSecret: "https://hooks.slack.com/x" } }),
            /urlSecret is .*: name a secret by letters/,
        ],
        [
            receiver({
                email: { to: ["a@b.example"], from: "a@b.example", server: "smtp.example", user: "me" },
            }),
            /email\.passwordSecret is nothing: give both user and passwordSecret/,
        ],
        [
            {
                region: "fra1",
                alerts: { receivers: { engineer: [{ slack: { urlSecret: "a" } }] }, digestHour: 24 },
            },
            /digestHour is 24: use an hour from 0 to 23/,
        ],
    ])("refuses %j, and says what would be right", (monitoring, message) => {
        expect(() => parseStation({ ...stationConfig(), monitoring })).toThrow(message);
    });

    it("finds every secret that a configuration names, with its key", () => {
        expect(namedSecrets({ one: [{ urlSecret: "a" }], two: { keySecret: "b", plain: "c" } })).toEqual([
            { key: "aerial:station.one[0].urlSecret", name: "a" },
            { key: "aerial:station.two.keySecret", name: "b" },
        ]);
    });
});
