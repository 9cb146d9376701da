import { rmSync } from "node:fs";

import { earsRole } from "../../components/monitoring/ears";
import { ensureImage, inImage } from "../../lab/machines/image";
import { delivered } from "../support/delivered";
import { monitoringPlan } from "../support/monitoringPlan";
import { patience } from "../support/patience";

let root: string;

beforeAll(async () => {
    await ensureImage();
    const role = earsRole(
        {
            ...monitoringPlan.ears,
            names: { stream: "stream.radio.test", regions: { ams3: "ams3.stream.radio.test" } },
        },
        { "relay-ams3-1": { role: "relay", region: "ams3", address: "192.0.2.1" } },
    );
    root = await delivered(role, { values: {}, files: {} });
}, 600_000);

afterAll(() => rmSync(root, { recursive: true }));

it("the Ears are a unit that systemd accepts, and programs that run with the machines' Python", async () => {
    const { stdout, stderr } = await inImage(
        [
            ...["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc"],
            `cp -r /installed/. /
             systemd-analyze verify --man=no --recursive-errors=no /etc/systemd/system/aerial-ears.service
             /usr/local/lib/aerial/aerial-ears --help | sed -n 2p
             /usr/local/sbin/aerial-clip --help | head -n 1
             /usr/local/sbin/aerial-clip main 1764331200 30 /tmp/clip.mp3 2>&1 || true
             # Nobody answers here: they go on, and say so.
             mkdir -p /run/aerial-ears /var/lib/aerial/ears
             timeout 20 /usr/local/lib/aerial/aerial-ears >/dev/null 2>&1 &
             for _ in $(seq 150); do [ -s /run/aerial-ears/metrics.prom ] && break; sleep 0.1; done
             sleep 7
             grep -E '^aerial_ears_(connected|advancing)' /run/aerial-ears/metrics.prom
             # What measures is in this ffmpeg.
             ffmpeg -nostdin -v error -f lavfi -i 'sine=d=1' -af "$(PYTHONPATH=/usr/local/lib/aerial python3 -c \\
                'from ears.decoder import FILTERS; print(FILTERS)')" -f null - | grep -cE '^lavfi.(r128.M|astats.[12].RMS_level)='`,
        ],
        { binds: [{ source: root, target: "/installed" }], timeoutSeconds: 90 * patience },
    );
    const labels = (mount: string): string => `{listen_region="ams3",channel="main",mount="${mount}"}`;
    expect((stdout + stderr).trim().split("\n")).toEqual([
        "The Ears: listeners at every region's Relays, one for each public mount, who really listen and measure what they hear.",
        "usage: aerial-clip [-h] [--region REGION] [--codec {mp3,aac}]",
        "aerial-clip: the Ears do not listen to main in mp3",
        `aerial_ears_connected${labels("/main.mp3")} 0`,
        `aerial_ears_connected${labels("/main.aac")} 0`,
        `aerial_ears_advancing${labels("/main.mp3")} 0`,
        `aerial_ears_advancing${labels("/main.aac")} 0`,
        "30",
    ]);
}, 300_000);
