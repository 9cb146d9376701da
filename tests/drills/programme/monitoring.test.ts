import { isDeepStrictEqual } from "node:util";

import { z } from "zod";

import { issuingRoots } from "../../../lab/acme";
import { findMachine, mendMachine } from "../../../lab/machines/machines";
import { inNamespace } from "../../../lab/network/network";
import { startListener } from "../../../lab/radio/listener";
import { run } from "../../../lab/workstation/run";
import { waitFor } from "../../../lab/workstation/wait";
import { everyMachine, ofEach, seenMs, sees } from "../support/monitoring";
import { World } from "../support/world";

/*
 * What the monitoring machine sees of a station.
 */

let world: World;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await mendMachine(findMachine("monitoring"));
    await world.arrange({ studio: {} });
}, 1_200_000);

afterAll(() => world.arrange({}));

it("reads the metrics of every machine, and what each says of itself", async () => {
    await sees(world, 'up{job="machine"}', ofEach(everyMachine(world), 1));
    await sees(
        world,
        "aerial_relay_healthy",
        ofEach(
            world.relays.map(({ name }) => name),
            1,
        ),
    );
    await sees(world, "aerial_master_healthy", ofEach(world.masters, 1));
    await sees(world, 'aerial_master_playing{source="studio"}', ofEach(world.masters, 1));
    await sees(world, 'aerial_master_source_connected{source="mobile"}', ofEach(world.masters, 0));
    await sees(world, "aerial_security_updates_pending >= bool 0", ofEach(everyMachine(world), 1));
});

it("hears every mount in every region, with its source and title, and keeps a clip of it", async () => {
    const regions = new Set(world.relays.map(({ region }) => region)).size;
    const mounts = Object.values(world.outputs.channels).flatMap(({ formats }) => formats).length;
    await sees(world, "count(aerial_ears_advancing == 1)", { "": regions * mounts });
    // A Relay of the second tier does not know the source.
    await sees(world, 'count(count by (mount) (aerial_ears_playing{source="studio"} == 1))', { "": mounts });
    await sees(world, "min(aerial_ears_title_right)", { "": 1 });
    await sees(world, "max(aerial_ears_silent_seconds)", { "": 0 });
    await sees(world, "min(aerial_ears_dns_agrees)", { "": 1 });
    const cut = `aerial-clip ${world.channel} "$(($(date +%s) - 15))" 5 /tmp/clip.mp3
        ffprobe -v error -show_entries format=duration -of csv=p=0 /tmp/clip.mp3`;
    expect(Number(await world.at("monitoring", ["sh", "-euc", cut]))).toBeCloseTo(5, 0);
});

const page = z.object({
    parts: z.object({
        relays: z.array(
            z.object({ relays: z.array(z.object({ name: z.string(), listeners: z.number().nullable() })) }),
        ),
        masters: z.array(z.object({ state: z.string(), plays: z.array(z.object({ source: z.string() })) })),
    }),
});

it("shows on the status page what there is: listeners of every Relay, what Masters play, and no Ears or feeds", async () => {
    const listeners = world.relays.map((relay) =>
        startListener({
            ...{ netns: `client-${relay.region}`, codec: "mp3", decode: false },
            urls: [world.url(relay, "mp3")],
        }),
    );
    const fetched = ["curl", "-sf", "--cacert", issuingRoots, `${world.outputs.status}status.json`];
    let shown: unknown;
    try {
        await Promise.all(listeners.map((listener) => listener.started()));
        const expected = Object.fromEntries(world.relays.map(({ name }) => [name, 1]));
        await waitFor(
            async () => {
                const { code, stdout } = await run(inNamespace("mobile", fetched), { allow: "any" });
                if (code !== 0) {
                    // Its certificate may be on its way.
                    shown = `nothing: curl ends with ${code}`;
                    return false;
                }
                const { relays, masters } = page.parse(JSON.parse(stdout)).parts;
                const counts = relays
                    .flatMap((region) => region.relays)
                    .map(({ name, listeners }) => [name, listeners]);
                const plays = masters.map(({ state, plays }) => [
                    state,
                    ...plays.map(({ source }) => source),
                ]);
                shown = { counts, plays };
                return (
                    isDeepStrictEqual(Object.fromEntries(counts), expected) &&
                    plays.every(([state, source]) => state === "well" && source === "Studio")
                );
            },
            { limitMs: seenMs, everyMs: 1000, complaint: () => `the page says ${JSON.stringify(shown)}` },
        );
    } finally {
        await Promise.allSettled(listeners.map((listener) => listener.stop()));
    }
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
