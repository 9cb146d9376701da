import { each, jsonFile, command, pythonModule, textFile, unit } from "../machine/files";
import type { MachineFile, MachineRole } from "../machine/role";
import { configSecretName } from "../machine/secrets";
import {
    alertRules,
    inhibitions,
    runbookAnchor,
    untilCauseIsKnown,
    watchdogName,
    type AlertFacts,
    type AlertRule,
} from "./alertRules";

/*
 * How an alert reaches people: Prometheus evaluates the rules, Alertmanager holds back what follows from something else, and
 * `aerial-alert` makes the message and sends it. All of them are on the monitoring machine, and listen there only.
 */

/** One way to one receiver. Keys that end in `Secret` name secrets of the stack's configuration. */
export interface ReceiverPlan {
    email?:
        | {
              to: string[];
              from: string;
              server: string;
              port: number;
              security: "starttls" | "tls";
              user?: string | undefined;
              passwordSecret?: string | undefined;
          }
        | undefined;
    webhook?: { urlSecret: string; tokenSecret?: string | undefined } | undefined;
    slack?: { urlSecret: string } | undefined;
    ntfy?: { urlSecret: string; tokenSecret?: string | undefined } | undefined;
}

/** Who is told, and when. */
export interface AlertsPlan {
    receivers: { engineer: ReceiverPlan[]; studio: ReceiverPlan[]; escalation: ReceiverPlan[] };
    /** Hour of the station's day at which the digest is sent. */
    digestHour: number;
    /** After how many minutes escalation is told of what nobody has acknowledged. */
    escalateAfterMinutes: number;
    /** Names the secret with the address that is fetched every minute; none when absent. */
    heartbeatUrlSecret?: string | undefined;
    /** Address of the folder with alerts.md; messages name the file when absent. */
    runbooksUrl?: string | undefined;
}

interface AlertedPlan {
    stationName: string;
    timeZone: string;
    alertFacts: AlertFacts;
    alerts?: AlertsPlan | undefined;
}

/** Where Prometheus reads the rules. */
export const rulesFile = "/etc/aerial/prometheus/alerts.yml";

const alertmanagerFile = "/etc/aerial/alertmanager/alertmanager.yml";
const alertsFile = "/etc/aerial/alerts/alerts.json";
const alertmanagerAddress = "127.0.0.1:9093";
const alertAddress = "127.0.0.1:9095";

/** What Prometheus is told of all this. */
export const alerting = {
    configuration: {
        rule_files: [rulesFile],
        alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanagerAddress] }] }] },
    },
    scrape: (labels: Record<string, string>): object => ({
        job_name: "alerts",
        static_configs: [{ targets: [alertAddress], labels }],
    }),
};

/** Renders rules, Alertmanager and `aerial-alert`. */
export function alertsRole(plan: AlertedPlan): MachineRole {
    const folder = "monitoring/alerts";
    const modules = ["desk.py", "events.py", "listening.py", "senders.py", "settings.py", "words.py"];
    return {
        packages: ["prometheus-alertmanager", "python3", "tzdata"],
        files: [
            jsonFile(rulesFile, rulesOf(plan)),
            jsonFile(alertmanagerFile, alertmanagerConfiguration(plan)),
            settingsFile(plan),
            unit(`${folder}/aerial-alertmanager.service`),
            unit(`${folder}/aerial-alert.service`),
            command(`${folder}/aerial-alert.py`),
            ...each(`${folder}/alerts`, modules, (name) => pythonModule(name, "alerts")),
            pythonModule("machine/python/files.py"),
        ],
        units: ["aerial-alertmanager.service", "aerial-alert.service"],
        services: [
            {
                unit: "aerial-alertmanager.service",
                reads: [alertmanagerFile],
                onChange: "reload",
                check: ["amtool", "check-config", alertmanagerFile],
                packages: ["prometheus-alertmanager"],
            },
            {
                unit: "aerial-alert.service",
                reads: [
                    alertsFile,
                    "/usr/local/sbin/aerial-alert",
                    "/usr/local/lib/aerial/alerts/",
                    "/usr/local/lib/aerial/files.py",
                ],
                onChange: "restart",
                packages: ["python3"],
            },
        ],
        maskedUnits: ["prometheus-alertmanager.service"],
    };
}

/** Names of the secrets that receivers have, in the stack's configuration. */
export function alertsSecretNames({ receivers, heartbeatUrlSecret }: AlertsPlan): string[] {
    const named = Object.values(receivers)
        .flat()
        .flatMap((receiver) => Object.values(receiver) as (Record<string, unknown> | undefined)[])
        .flatMap((way) => Object.entries(way ?? {}))
        .flatMap(([key, value]) => (key.endsWith("Secret") && typeof value === "string" ? [value] : []));
    return [...named, ...(heartbeatUrlSecret === undefined ? [] : [heartbeatUrlSecret])];
}

/** The rules as Prometheus reads them. Those that must not wait are evaluated every 5 s. */
export function rulesOf({ alertFacts }: Pick<AlertedPlan, "alertFacts">): object {
    const rules = alertRules(alertFacts);
    const atOnce = ({ forSeconds }: AlertRule): boolean => forSeconds <= untilCauseIsKnown;
    const watchdog = {
        alert: watchdogName,
        expr: "vector(1)",
        labels: { severity: "none" },
        annotations: { title: "Rules are evaluated" },
    };
    return {
        groups: [
            { name: "at-once", interval: "5s", rules: [watchdog, ...rules.filter(atOnce).map(ruleOf)] },
            { name: "later", rules: rules.filter((rule) => !atOnce(rule)).map(ruleOf) },
        ],
    };
}

function ruleOf(rule: AlertRule): object {
    const { name, severity, audience, title, what, covered, todo } = rule;
    return {
        alert: name,
        expr: rule.expression,
        for: `${rule.forSeconds}s`,
        ...(rule.keepFiringSeconds !== undefined && { keep_firing_for: `${rule.keepFiringSeconds}s` }),
        labels: { severity, audience },
        annotations: {
            ...{ title, what, covered, todo },
            runbook: `alerts.md#${runbookAnchor(name)}`,
            for: String(rule.forSeconds),
            ...(rule.valueIsBegin && { began: '{{ $value | printf "%.0f" }}' }),
            ...(rule.clip && { clip: "yes" }),
            ...(rule.engineerAfterSeconds !== undefined && {
                engineerAfter: String(rule.engineerAfterSeconds),
            }),
        },
    };
}

/** Alertmanager's configuration. */
export function alertmanagerConfiguration({ alertFacts }: Pick<AlertedPlan, "alertFacts">): object {
    const matcher = (label: string, value: string): string => `${label}=${JSON.stringify(value)}`;
    const matchers = (labels: Record<string, string> = {}): string[] =>
        Object.entries(labels).map(([label, value]) => matcher(label, value));
    return {
        route: {
            receiver: "aerial-alert",
            group_by: ["alertname"],
            // The cause may be seen a moment after what follows from it.
            group_wait: "5s",
            // aerial-alert gathers, too: regions hear of one fault some seconds apart.
            group_interval: "5s",
            // aerial-alert knows what it has told. Of what is held back no more, Alertmanager speaks only when it repeats.
            repeat_interval: "1m",
            routes: [
                {
                    receiver: "watchdog",
                    matchers: [matcher("alertname", watchdogName)],
                    group_wait: "0s",
                    group_interval: "30s",
                    repeat_interval: "50s",
                },
            ],
        },
        receivers: [
            { name: "aerial-alert", webhook_configs: [{ url: `http://${alertAddress}/alerts` }] },
            {
                name: "watchdog",
                webhook_configs: [{ url: `http://${alertAddress}/watchdog`, send_resolved: false }],
            },
        ],
        inhibit_rules: inhibitions(alertFacts).map(
            ({ cause, causeLabels, effects, effectLabels, equal }) => ({
                source_matchers: [matcher("alertname", cause), ...matchers(causeLabels)],
                target_matchers: [
                    `alertname=~${JSON.stringify(effects.join("|"))}`,
                    ...matchers(effectLabels),
                ],
                equal,
            }),
        ),
    };
}

/** A secret in a file of JSON: its placeholder, which becomes a quoted word on the machine. */
const placeholder = (name: string): string => `@{${configSecretName(name)}}`;

function settingsFile({ alerts, stationName, timeZone }: AlertedPlan): MachineFile {
    const { receivers, lists } = numbered(alerts?.receivers ?? { engineer: [], studio: [], escalation: [] });
    const heartbeat = alerts?.heartbeatUrlSecret;
    const runbooks = alerts?.runbooksUrl;
    const settings = {
        station: stationName,
        timeZone,
        digestHour: alerts?.digestHour ?? 9,
        escalateAfterMinutes: alerts?.escalateAfterMinutes ?? 30,
        runbooks: runbooks === undefined ? "docs/runbooks/" : `${runbooks.replace(/\/+$/, "")}/`,
        heartbeatUrl: heartbeat === undefined ? null : placeholder(heartbeat),
        receivers,
        lists,
    };
    // The delivery quotes what it puts in place of a placeholder.
    const text = JSON.stringify(settings, null, 2).replace(/"(@\{[^}"]+\})"/g, "$1");
    return { ...textFile(alertsFile, `${text}\n`, "0600"), secretFormat: "yaml" };
}

/** Every receiver once, with a name, as `aerial-alert` knows it; and which are in which list. */
function numbered(given: AlertsPlan["receivers"]): {
    receivers: Record<string, object>;
    lists: Record<string, string[]>;
} {
    const names = new Map<string, string>();
    const receivers: Record<string, object> = {};
    const nameOf = (receiver: ReceiverPlan): string[] =>
        Object.entries(receiver as Record<string, Record<string, unknown> | undefined>).flatMap(
            ([kind, way]) => {
                if (way === undefined) {
                    return [];
                }
                const identity = JSON.stringify([kind, way]);
                const name = names.get(identity) ?? `${kind}-${names.size + 1}`;
                names.set(identity, name);
                receivers[name] = { kind, ...withPlaceholders(way) };
                return [name];
            },
        );
    const lists = Object.fromEntries(Object.entries(given).map(([list, all]) => [list, all.flatMap(nameOf)]));
    return { receivers, lists };
}

/** `urlSecret: slackUrl` becomes `url` with a placeholder. */
function withPlaceholders(way: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(
        Object.entries(way).map(([key, value]) =>
            key.endsWith("Secret") && typeof value === "string"
                ? [key.slice(0, -"Secret".length), placeholder(value)]
                : [key, value],
        ),
    );
}
