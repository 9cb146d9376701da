import { alertRules, type AlertFacts } from "../../components/monitoring/alertRules";

/*
 * For each alert, series that are well, then not, then well again; and with which labels it must fire. promtool's clock
 * begins at 0.
 */

export const alertFacts: AlertFacts = {
    silenceSeconds: 15,
    includedTransferGiB: 4000,
    backup: true,
    airtimeSource: "airtime",
};

/** A series while all is well, during the fault, and after it: samples from one second on, as promtool writes them. */
interface Series {
    name: string;
    well: (from: number, count: number) => string;
    fault?: (from: number, count: number) => string;
}

interface Case {
    alert: string;
    series: Series[];
    /** Labels of what must fire. */
    labels: Record<string, string>;
    /** How long the fault must last until the expression sees it, besides the alert's own time; 0 when absent. */
    seenAfterSeconds?: number;
    /** How long it still sees it after the end; 0 when absent. */
    heldSeconds?: number;
}

/** How often series are read in the tests: alerts that take hours are not tried every 5 s. */
const steps = { fine: 5, coarse: 300 };

const constant = (value: number) => (_from: number, count: number) => `${value}x${count - 1}`;

/** A metric with one value while all is well, and with another one during the fault; null when it is not there then. */
const metric = (name: string, well: number, fault?: number | null): Series => ({
    name,
    well: constant(well),
    ...(fault !== undefined && {
        fault: fault === null ? (_from, count) => `stale _x${count - 1}` : constant(fault),
    }),
});

const machineLabels = (machine: string, role: string, region = "ams3"): string =>
    `machine="${machine}",role="${role}",region="${region}"`;
const up = (machine: string, role: string, fault?: number): Series =>
    metric(`up{job="machine",${machineLabels(machine, role)}}`, 1, fault);
const ears = (name: string, well: number, fault?: number, more = ""): Series =>
    metric(
        `aerial_ears_${name}{channel="main",mount="/main.mp3",listen_region="ams3",${machineLabels("monitoring", "monitoring", "fra1")}${more}}`,
        well,
        fault,
    );
const master = (machine: string, fault?: number | null): Series =>
    metric(`aerial_master_healthy{${machineLabels(machine, "master")}}`, 1, fault);
const relay = (name: string, machine: string, well: number, fault?: number | null): Series =>
    metric(`aerial_relay_${name}{${machineLabels(machine, "relay")}}`, well, fault);
const source = (machine: string): string =>
    `aerial_master_source_connected{channel="main",source="studio",${machineLabels(machine, "master")}}`;
/** A metric that is the time while all is well, and stands still during the fault. */
const clockOf = (name: string): Series => ({
    name,
    well: (from, count) => `${from}+STEPx${count - 1}`,
    fault: (from, count) => `${from}x${count - 1}`,
});
const lastSuccess = (kind: string): Series =>
    clockOf(`aerial_backup_${kind}_last_success_timestamp_seconds{${machineLabels("airtime", "airtime")}}`);
const disk = (well: number, fault: Series["fault"]): Series[] => [
    {
        name: `node_filesystem_avail_bytes{fstype="ext4",mountpoint="/",${machineLabels("relay-ams3-1", "relay")}}`,
        well: constant(well),
        ...(fault && { fault }),
    },
    metric(
        `node_filesystem_size_bytes{fstype="ext4",mountpoint="/",${machineLabels("relay-ams3-1", "relay")}}`,
        1e10,
    ),
];

const hour = 3600;
const day = 24 * hour;

const main = { channel: "main", listen_region: "ams3" };
const threeRelays = ["relay-ams3-1", "relay-ams3-2", "relay-ams3-3"];

export const cases: readonly Case[] = [
    { alert: "OffAir", series: [ears("advancing", 1, 0)], labels: { ...main, mount: "/main.mp3" } },
    {
        alert: "SilenceOnAir",
        series: [
            {
                ...ears("silent_seconds", 0),
                fault: (_from, count) => `0+STEPx${count - 1}`,
            },
        ],
        labels: { channel: "main", severity: "now", audience: "studio" },
        seenAfterSeconds: 7,
    },
    {
        alert: "NoProgramme",
        series: [ears("playing", 1, 0, ',source="studio"'), ears("playing", 0, 1, ',source="standby"')],
        labels: { ...main, source: "standby" },
    },
    {
        alert: "OnlyEmergencyShows",
        series: [ears("playing", 0, 1, ',source="emergency"')],
        labels: { channel: "main" },
    },
    {
        alert: "SideDead",
        series: [{ ...ears("side_dead_seconds", 0), fault: (_from, count) => `0+STEPx${count - 1}` }],
        labels: { channel: "main", audience: "studio" },
        seenAfterSeconds: 60,
    },
    {
        alert: "SourceLost",
        series: [metric(source("master-a"), 1, 0), metric(source("master-b"), 1, 0)],
        labels: { channel: "main", source: "studio", severity: "digest" },
    },
    {
        alert: "SourceFlapping",
        series: [
            {
                name: source("master-a"),
                well: constant(1),
                fault: (_from, count) => "0 0 0 1 1 1 ".repeat(count / 6).trim(),
            },
        ],
        labels: { channel: "main", source: "studio" },
        seenAfterSeconds: 75,
        heldSeconds: 900,
    },
    {
        alert: "MastersDown",
        series: [up("master-a", "master", 0), up("master-b", "master", 0)],
        labels: {},
    },
    {
        alert: "MasterDown",
        series: [
            up("master-a", "master", 0),
            up("master-b", "master"),
            master("master-a", null),
            master("master-b"),
            // The other Master has every source, too.
            metric(source("master-a"), 1, null),
            metric(source("master-b"), 1),
        ],
        labels: { machine: "master-a" },
    },
    {
        alert: "MasterUnwell",
        series: [up("master-a", "master"), master("master-a", 0)],
        labels: { machine: "master-a" },
    },
    {
        alert: "RelayDown",
        series: [
            up("relay-ams3-1", "relay"),
            up("relay-ams3-2", "relay", 0),
            relay("healthy", "relay-ams3-1", 1),
            relay("healthy", "relay-ams3-2", 1, null),
        ],
        labels: { machine: "relay-ams3-2", severity: "digest" },
    },
    {
        alert: "RelaysFew",
        series: [
            ...threeRelays.map((name) => up(name, "relay")),
            relay("healthy", "relay-ams3-1", 1, 0),
            relay("healthy", "relay-ams3-2", 1, 0),
            relay("healthy", "relay-ams3-3", 1),
        ],
        labels: { region: "ams3" },
    },
    {
        alert: "RegionOut",
        series: [
            ...["relay-ams3-1", "relay-ams3-2"].map((name) => up(name, "relay")),
            ...["relay-ams3-1", "relay-ams3-2"].map((name) => relay("healthy", name, 1, 0)),
            relay("draining", "relay-ams3-1", 0),
        ],
        labels: { region: "ams3", listen_region: "ams3" },
    },
    { alert: "MachineUnseen", series: [up("airtime", "airtime", 0)], labels: { machine: "airtime" } },
    {
        alert: "DnsDisagrees",
        series: [metric('aerial_ears_dns_agrees{listen_region="ams3"}', 1, 0)],
        labels: { listen_region: "ams3" },
    },
    {
        alert: "CertificateEnds",
        series: [relay("certificate_not_after_seconds", "relay-ams3-1", 90 * day, 4 * day)],
        labels: {},
    },
    {
        alert: "CertificateOld",
        series: [relay("certificate_not_after_seconds", "relay-ams3-1", 90 * day, 15 * day)],
        labels: {},
    },
    {
        alert: "MachineCertificateEnds",
        series: [
            metric(
                `aerial_machine_certificate_not_after_seconds{${machineLabels("master-a", "master")}}`,
                1000 * day,
                50 * day,
            ),
        ],
        labels: { machine: "master-a" },
    },
    {
        alert: "BackupOld",
        series: [lastSuccess("dump")],
        labels: { kind: "dump" },
        seenAfterSeconds: 4 * hour,
    },
    {
        alert: "BackupUnproven",
        series: [lastSuccess("drill")],
        labels: { kind: "drill" },
        seenAfterSeconds: 30 * hour,
    },
    {
        alert: "BackupNever",
        series: [
            up("airtime", "airtime"),
            ...["upload", "dump", "audit"].map(lastSuccess).map(({ name, well }) => ({ name, well })),
            {
                ...lastSuccess("drill"),
                fault: (_from: number, count: number) => `stale _x${count - 1}`,
            },
        ],
        labels: { kind: "drill", machine: "airtime" },
    },
    {
        alert: "DiskFull",
        series: disk(5e9, constant(1e8)),
        labels: { machine: "relay-ams3-1", mountpoint: "/" },
    },
    {
        alert: "DiskFullSoon",
        // From 2.9 GB, 40 MB less in each five minutes.
        series: disk(2.9e9, (_from, count) => `2900000000-40000000x${count - 1}`),
        labels: { machine: "relay-ams3-1", mountpoint: "/" },
        // The slope of six hours follows slowly.
        seenAfterSeconds: 2100,
        heldSeconds: 2 * hour,
    },
    {
        alert: "TransferRunsOut",
        series: [
            {
                name: `node_network_transmit_bytes_total{device="eth0",${machineLabels("relay-ams3-1", "relay")}}`,
                well: (_from, count) => `0+30000x${count - 1}`,
                fault: (_from, count) => `1000000000+30000000000x${count - 1}`,
            },
        ],
        labels: {},
        seenAfterSeconds: 75 * 60,
        heldSeconds: 3 * day,
    },
    {
        alert: "ClockWrong",
        series: [
            {
                name: `node_time_seconds{${machineLabels("relay-ams3-1", "relay")}}`,
                well: (from, count) => `${from}+STEPx${count - 1}`,
                fault: (from, count) => `${from + 10}+STEPx${count - 1}`,
            },
        ],
        labels: { machine: "relay-ams3-1" },
    },
    {
        alert: "MemoryGrows",
        series: [
            metric(`node_memory_MemAvailable_bytes{${machineLabels("relay-ams3-1", "relay")}}`, 8e8, 5e7),
            metric(`node_memory_MemTotal_bytes{${machineLabels("relay-ams3-1", "relay")}}`, 1e9),
        ],
        labels: { machine: "relay-ams3-1" },
    },
    {
        alert: "SecurityUpdatesPending",
        series: [metric(`aerial_security_updates_pending{${machineLabels("relay-ams3-1", "relay")}}`, 0, 3)],
        labels: { machine: "relay-ams3-1" },
    },
    {
        alert: "NothingSeen",
        series: [up("master-a", "master", 0), up("relay-ams3-1", "relay", 0), up("monitoring", "monitoring")],
        labels: {},
    },
    {
        alert: "EarsAway",
        series: [clockOf('aerial_ears_seen_timestamp_seconds{listen_region="ams3"}')],
        labels: {},
        seenAfterSeconds: 120,
    },
    {
        alert: "MessagesUndelivered",
        series: [metric('aerial_alert_waiting_since_seconds{receiver="email-1"}', 0, 600)],
        labels: { receiver: "email-1" },
        seenAfterSeconds: 900,
    },
];

const rules = alertRules(alertFacts);

/** One test for promtool: the alert is not there before its time, is there then, and goes. */
function testOf(one: Case, step: number): object {
    const rule = rules.find(({ name }) => name === one.alert);
    if (!rule) {
        throw new Error(`there is no alert ${one.alert}`);
    }
    const { seenAfterSeconds = 0, heldSeconds = 0 } = one;
    const up = (seconds: number): number => Math.ceil(seconds / step) * step;
    const begin = step === steps.fine ? 600 : 2 * hour;
    const due = begin + up(seenAfterSeconds) + up(rule.forSeconds);
    const end = due + 6 * step + 30 * (step === steps.fine ? step : 0);
    const over = end + up(heldSeconds) + up(rule.keepFiringSeconds ?? 0);
    const last = over + 10 * step;
    const count = (from: number, to: number): number => (to - from) / step;
    const samples = ({ well, fault = well }: Series): string => {
        // Groups of six, as a source that comes and goes has them.
        const faulty = Math.ceil(count(begin, end) / 6) * 6;
        const after = begin + faulty * step;
        return [
            well(0, count(0, begin)),
            fault(begin, faulty),
            well(after, count(after, Math.max(last, after + 10 * step))),
        ]
            .join(" ")
            .replaceAll("STEP", String(step));
    };
    const selector = (labels: Record<string, string>): string =>
        ["alertname", "alertstate", ...Object.keys(labels)]
            .map((label) => `${label}="${{ alertname: one.alert, alertstate: "firing", ...labels }[label]}"`)
            .join(",");
    const firing = (at: number, labels: Record<string, string>, expected: number): object => ({
        expr: `count(ALERTS{${selector(labels)}})`,
        eval_time: `${at}s`,
        exp_samples: expected === 0 ? [] : [{ labels: "{}", value: expected }],
    });
    return {
        name: one.alert,
        interval: `${step}s`,
        input_series: one.series.map((series) => ({ series: series.name, values: samples(series) })),
        promql_expr_test: [
            firing(begin - step, {}, 0),
            firing(due - 2 * step, {}, 0),
            firing(due + 2 * step, one.labels, 1),
            firing(due + 2 * step, {}, 1),
            firing(over + 8 * step, {}, 0),
        ],
    };
}

/** Everything of a station for an hour in which all is well, but for one Master from its half on: what fires then. */
function hourOf(name: string, broken: readonly Case[], expected: object[]): object {
    const count = hour / steps.fine;
    const half = count / 2;
    const series = new Map<string, string>();
    for (const one of cases) {
        for (const { name: key, well } of one.series) {
            series.set(key, well(0, count).replaceAll("STEP", String(steps.fine)));
        }
    }
    for (const { name: key, well, fault } of broken.flatMap((one) => one.series)) {
        const second = (fault ?? well)(half * steps.fine, half);
        series.set(key, `${well(0, half)} ${second}`.replaceAll("STEP", String(steps.fine)));
    }
    return {
        name,
        interval: `${steps.fine}s`,
        input_series: [...series].map(([key, values]) => ({ series: key, values })),
        promql_expr_test: [
            {
                expr: 'count by (alertname, machine) (ALERTS{alertstate="firing",alertname!="Watchdog"})',
                eval_time: "59m",
                exp_samples: expected,
            },
        ],
    };
}

/** The files that `promtool test rules` reads, by name. */
export function promtoolTests(rulesFile: string): Record<string, string> {
    const isCoarse = ({ alert, seenAfterSeconds = 0, heldSeconds = 0 }: Case): boolean => {
        const { forSeconds = 0, keepFiringSeconds = 0 } = rules.find(({ name }) => name === alert) ?? {};
        return Math.max(seenAfterSeconds, heldSeconds, forSeconds, keepFiringSeconds) > 1500;
    };
    const file = (step: number, tests: object[]): string =>
        JSON.stringify({ rule_files: [rulesFile], evaluation_interval: `${step}s`, tests });
    return {
        "fine.yml": file(
            steps.fine,
            cases.filter((one) => !isCoarse(one)).map((one) => testOf(one, steps.fine)),
        ),
        "coarse.yml": file(
            steps.coarse,
            cases.filter(isCoarse).map((one) => testOf(one, steps.coarse)),
        ),
        "hours.yml": file(steps.fine, [
            hourOf("a quiet hour raises no alert", [], []),
            hourOf(
                "a Master's loss raises one alert",
                cases.filter(({ alert }) => alert === "MasterDown"),
                [{ labels: '{alertname="MasterDown",machine="master-a"}', value: 1 }],
            ),
        ]),
    };
}
