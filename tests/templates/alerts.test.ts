import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { alertRules } from "../../components/monitoring/alertRules";
import { renderMonitoring } from "../../components/monitoring/render";
import { ensureImage, inImage } from "../../lab/machines/image";
import { alertFacts, cases, promtoolTests } from "../support/alertCases";
import { delivered } from "../support/delivered";
import { monitoringPlan } from "../support/monitoringPlan";
import { patience } from "../support/patience";

const role = renderMonitoring({
    ...monitoringPlan,
    alerts: {
        receivers: { engineer: [{ webhook: { urlSecret: "alertUrl" } }], studio: [], escalation: [] },
        digestHour: 9,
        escalateAfterMinutes: 30,
        heartbeatUrlSecret: "heartbeatUrl",
    },
});

let root: string;
let tests: string;

beforeAll(async () => {
    await ensureImage();
    root = await delivered(role, {
        values: {
            "config.alert-url": "http://127.0.0.1:9800/messages",
            "config.heartbeat-url": "http://127.0.0.1:9800/heartbeat",
        },
        files: {},
    });
    tests = mkdtempSync(join(tmpdir(), "aerial-alerts-"));
    const files = promtoolTests("/installed/etc/aerial/prometheus/alerts.yml");
    Object.entries(files).forEach(([name, text]) => writeFileSync(join(tests, name), text));
}, 600_000);

afterAll(() => {
    [root, tests].forEach((folder) => rmSync(folder, { recursive: true }));
});

const binds = (): { source: string; target: string }[] => [
    { source: root, target: "/installed" },
    { source: tests, target: "/tests" },
    { source: join(__dirname, "alerts-in-image.py"), target: "/alerts-in-image.py" },
];

it("every alert has a case", () => {
    expect(cases.map(({ alert }) => alert).sort()).toEqual(
        alertRules(alertFacts)
            .map(({ name }) => name)
            .sort(),
    );
});

it("the programs that read them accept rules, configuration and units", async () => {
    await inImage(
        [
            ...["bash", "-euc"],
            `cp -r /installed/. /; install -D /dev/null /etc/aerial/machine/ca.pem; touch /etc/aerial/machine/machine.{pem,key}; promtool check config /etc/aerial/prometheus/prometheus.yml
             amtool check-config /etc/aerial/alertmanager/alertmanager.yml
             systemd-analyze verify --man=no --recursive-errors=no /etc/systemd/system/aerial-alert*.service
             [ "$(stat -c %a /etc/aerial/alerts/alerts.json)" = 600 ]
             /usr/local/sbin/aerial-alert --help 2>&1 | grep -q 'aerial-alert acknowledge'`,
        ],
        { binds: binds(), timeoutSeconds: 60 * patience },
    );
}, 300_000);

it.each(["fine.yml", "coarse.yml", "hours.yml"])(
    "every alert fires in its time, not before, names the right thing and goes; a quiet hour raises none: %s",
    async (name) => {
        await inImage(["promtool", "test", "rules", `/tests/${name}`], {
            binds: binds(),
            timeoutSeconds: 120 * patience,
        });
    },
    600_000,
);

it("a real Alertmanager passes on one message for one cause, and the heartbeat while alerts come", async () => {
    const { stdout } = await inImage(
        [
            ...["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc"],
            "ip link set lo up; cp -r /installed/. /; exec python3 /alerts-in-image.py",
        ],
        { binds: binds(), timeoutSeconds: 180 * patience },
    );
    const told = JSON.parse(stdout) as {
        messages: { kind: string; alerts: { alert: string; labels: Record<string, string> }[] }[];
        heartbeats: number;
        now: { alert: string }[];
    };
    expect(told.messages.map(({ kind, alerts }) => [kind, alerts.map(({ alert }) => alert)])).toEqual([
        ["began", ["RegionOut"]],
        ["over", ["RegionOut"]],
        ["began", ["OffAir"]],
        ["over", ["OffAir"]],
    ]);
    expect(told.messages[0]?.alerts[0]?.labels.region).toBe("ams3");
    expect(told.heartbeats).toBeGreaterThan(0);
    expect(told.now.map(({ alert }) => alert)).toEqual(["RegionOut"]);
}, 600_000);
