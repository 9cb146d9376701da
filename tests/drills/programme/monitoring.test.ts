import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import {
    cutMachine,
    findMachine,
    freezeMachine,
    killMachine,
    mendMachine,
} from "../../../lab/machines/machines";
import { waitFor } from "../../../lab/workstation/wait";
import { drill } from "../support/drill";
import { World } from "../support/world";

/*
 * What the monitoring machine sees of a station, and what the station does when it is gone: nothing.
 */

let world: World;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await mendMachine(findMachine("monitoring"));
}, 1_200_000);

afterAll(() => world.arrange({}));

const answer = z.object({
    data: z.object({
        result: z.array(
            z.object({
                metric: z.record(z.string(), z.string()),
                value: z.tuple([z.number(), z.string()]),
            }),
        ),
    }),
});

/** What Prometheus answers to a question: a number for each machine. */
async function ask(query: string): Promise<Record<string, number>> {
    const url = `http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(query)}`;
    const text = await world.at("monitoring", ["curl", "--silent", "--fail", "--max-time", "5", url]);
    return Object.fromEntries(
        answer
            .parse(JSON.parse(text))
            .data.result.map(({ metric, value }) => [metric.machine ?? "", Number(value[1])]),
    );
}

/** Every machine is read every 15 s, from metrics that are written every 15 s; the rest is for a busy machine. */
const seenMs = 90_000;

async function sees(query: string, expected: Record<string, number>): Promise<void> {
    let last: Record<string, number> = {};
    await waitFor(
        async () => {
            // Prometheus takes some seconds to start again.
            last = await ask(query).catch(() => ({}));
            return JSON.stringify(sorted(last)) === JSON.stringify(sorted(expected));
        },
        {
            limitMs: seenMs,
            everyMs: 1000,
            complaint: () => `${query} is ${JSON.stringify(last)}, not ${JSON.stringify(expected)}`,
        },
    );
}

const alerts = z.array(z.object({ alert: z.string(), labels: z.record(z.string(), z.string()) }));

/** Every alert is one of a minute at least, and as long to be over; then Alertmanager collects what belongs together. */
const toldMs = 240_000;

/** Waits until these are the alerts about a machine. */
async function tells(machine: string, expected: readonly string[]): Promise<void> {
    let last = "";
    await waitFor(
        async () => {
            const text = await world.at("monitoring", ["cat", "/var/lib/aerial-alerts/now.json"]);
            const about = alerts.parse(JSON.parse(text)).filter(({ labels }) => labels.machine === machine);
            last = about.map(({ alert }) => alert).join();
            return last === expected.join();
        },
        {
            limitMs: toldMs,
            everyMs: 2000,
            complaint: () => `alerts about ${machine} are ${last}, not ${expected.join()}`,
        },
    );
}

const sorted = (values: Record<string, number>): [string, number][] => Object.entries(values).sort();

const everyMachine = (): string[] => [
    ...world.masters,
    ...world.relays.map(({ name }) => name),
    "monitoring",
];

const each = (machines: readonly string[], value: number): Record<string, number> =>
    Object.fromEntries(machines.map((machine) => [machine, value]));

it("reads the metrics of every machine, and what each says of itself", async () => {
    await world.arrange({ studio: {} });
    await sees('up{job="machine"}', each(everyMachine(), 1));
    await sees(
        "aerial_relay_healthy",
        each(
            world.relays.map(({ name }) => name),
            1,
        ),
    );
    await sees("aerial_master_healthy", each(world.masters, 1));
    await sees('aerial_master_playing{source="studio"}', each(world.masters, 1));
    await sees('aerial_master_source_connected{source="mobile"}', each(world.masters, 0));
    await sees("aerial_security_updates_pending >= bool 0", each(everyMachine(), 1));
});

it("hears every mount in every region, with its source and title, and keeps a clip of it", async () => {
    const regions = new Set(world.relays.map(({ region }) => region)).size;
    const mounts = Object.values(world.outputs.channels).flatMap(({ formats }) => formats).length;
    await sees("count(aerial_ears_advancing == 1)", { "": regions * mounts });
    // A Relay of the second tier does not know the source.
    await sees('count(count by (mount) (aerial_ears_playing{source="studio"} == 1))', { "": mounts });
    await sees("min(aerial_ears_title_right)", { "": 1 });
    await sees("max(aerial_ears_silent_seconds)", { "": 0 });
    await sees("min(aerial_ears_dns_agrees)", { "": 1 });
    const cut = `aerial-clip ${world.channel} "$(($(date +%s) - 15))" 5 /tmp/clip.mp3
        ffprobe -v error -show_entries format=duration -of csv=p=0 /tmp/clip.mp3`;
    expect(Number(await world.at("monitoring", ["sh", "-euc", cut]))).toBeCloseTo(5, 0);
});

it("is the only machine whose certificate opens the metrics of others", async () => {
    const [relay] = world.relays;
    const read = (machine: string): Promise<string> =>
        world.at(machine, [
            ...["sh", "-c"],
            `cd /etc/aerial/machine && curl --silent --show-error --max-time 10 --output /dev/null \
                --write-out '%{http_code}' --cacert ca.pem --cert machine.pem --key machine.key \
                --connect-to machine.aerial:9100:${new URL(relay?.url ?? "").hostname}:9100 \
                https://machine.aerial:9100/metrics 2>&1 || true`,
        ]);
    expect(await read("monitoring")).toBe("200");
    // The firewall is in its way from a Master; from the Relay itself, it is the certificate.
    expect(await read("master-a")).toMatch(/curl: \(28\)/);
    expect(await read(relay?.name ?? "")).toMatch(/alert bad certificate/);
});

it("sees within a minute that a machine does not answer, says so once, and that it is back", async () => {
    const { id } = findMachine("master-b");
    await cutMachine(id);
    try {
        await sees('up{machine="master-b"}', { "master-b": 0 });
        await tells("master-b", ["MasterDown"]);
    } finally {
        await world.mend();
    }
    await sees('up{machine="master-b"}', { "master-b": 1 });
    await tells("master-b", []);
}, 900_000);

it("is missed by nobody on air when it freezes and when it loses its power", () =>
    drill(world, "monitoring machine frozen and killed", {
        sources: { studio: {} },
        hearing: "studio",
        happens: async () => {
            const machine = findMachine("monitoring");
            try {
                await freezeMachine(machine.id);
                await sleep(5000);
                await killMachine(machine.id);
                await sleep(5000);
            } finally {
                await mendMachine(findMachine("monitoring"));
            }
            await sees('up{job="machine"}', each(everyMachine(), 1));
        },
    }));
