import { rmSync } from "node:fs";
import { join } from "node:path";

import { renderMonitoring } from "../../components/monitoring/render";
import { ensureImage, inImage } from "../../lab/machines/image";
import { delivered } from "../support/delivered";
import { monitoringPlan } from "../support/monitoringPlan";
import { patience } from "../support/patience";

const key = "key-of-the-test";

let root: string;

beforeAll(async () => {
    await ensureImage();
    const url = "https://localhost:9801/prometheus/v1/write?prometheus_server=radio";
    const role = renderMonitoring({ ...monitoringPlan, remoteWrite: { url, keySecret: "remoteWriteKey" } });
    root = await delivered(role, { values: { "config.remote-write-key": key }, files: {} });
}, 600_000);

afterAll(() => rmSync(root, { recursive: true }));

it("metrics arrive at a receiver as New Relic takes them, and come again when it was busy; the key is in no log", async () => {
    const { stdout } = await inImage(
        [
            ...["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc"],
            `ip link set lo up; cp -r /installed/. /
             install -D /dev/null /etc/aerial/machine/ca.pem; touch /etc/aerial/machine/machine.{pem,key}
             exec python3 /remote-write-in-image.py '${monitoringPlan.stationName}' __name__`,
        ],
        {
            binds: [
                { source: root, target: "/installed" },
                { source: join(__dirname, "remote-write-in-image.py"), target: "/remote-write-in-image.py" },
            ],
            timeoutSeconds: 180 * patience,
        },
    );
    const told = JSON.parse(stdout) as {
        requests: {
            path: string;
            headers: Record<string, string>;
            texts: string[];
            digest: string;
            status: number;
        }[];
        log: string;
    };
    expect(told.requests.map(({ status }) => status)).toEqual([503, 200]);
    for (const request of told.requests) {
        expect(request).toMatchObject({
            path: "/prometheus/v1/write?prometheus_server=radio",
            headers: {
                authorization: `Bearer ${key}`,
                "content-encoding": "snappy",
                "content-type": "application/x-protobuf",
                "x-prometheus-remote-write-version": "0.1.0",
            },
            texts: [monitoringPlan.stationName, "__name__"],
        });
    }
    expect(new Set(told.requests.map(({ digest }) => digest)).size).toBe(1);
    expect(told.log).not.toContain(key);
}, 900_000);
