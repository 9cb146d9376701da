import { setTimeout as sleep } from "node:timers/promises";

import { loseDroplet } from "../../../lab/digitalocean/droplet";
import { findMachine, killMachine, mendMachine } from "../../../lab/machines/machines";
import { detectorRate, ToneDetector } from "../../../lab/radio/tones";
import { waitFor } from "../../../lab/workstation/wait";
import { closeBook, note } from "../support/book";
import { pulumiUp } from "../support/checkout";
import { each } from "../support/each";
import { limits } from "../support/limits";
import { everyMachine, ofEach, sees } from "../support/monitoring";
import { makeShows } from "../support/playout";
import { clipOf, Receiver, type Told } from "../support/receiver";
import { World, type Sources } from "../support/world";

/*
 * Who is told what. Faults are real, rules and times are those of a station on air, and every message has to be one that
 * was waited for: what follows from a fault is not told, and neither is anything where there is none.
 */

let world: World;
let receiver: Receiver;
/** Both sources are there; the mobile one has lost a side, which listeners only hear when the studio is away. */
let sources: Sources;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    const { "left.flac": left } = await makeShows({
        "left.flac": { tone: "mobile", options: ["-t", "60", "-af", "pan=stereo|c0=c0|c1=0*c0"] },
    });
    sources = { studio: {}, mobile: { file: left?.path } };
    receiver = await Receiver.open();
    await world.arrange(sources);
    await world.ready(Object.keys(sources));
}, 1_200_000);

afterAll(async () => {
    receiver.close();
    await world.arrange({});
    closeBook("alerts");
});

/** Nothing is wrong, and nobody remembers that something was: neither Prometheus nor those who tell. */
async function nothingIsWrong(): Promise<void> {
    await world.mend();
    await world.arrange(sources);
    await world.ready(Object.keys(sources));
    await world.presentHeard();
    await world.at("monitoring", ["sh", "-euc", forgetting]);
    await sees(world, 'up{job="machine"}', ofEach(everyMachine(world), 1));
    await sees(world, 'count(ALERTS{alertname!="Watchdog",severity="now"}) or vector(0)', { "": 0 });
    receiver.forget();
}

const forgetting = `
    units="aerial-prometheus aerial-alertmanager aerial-alert"
    systemctl stop $units
    rm -rf /var/lib/aerial/prometheus/* /var/lib/aerial/alertmanager/* /var/lib/aerial-alerts/*
    systemctl start $units`;

/** Since when a message says that it is so, in ms since 1970. */
const sinceOf = ({ alerts }: Told): number => Date.parse(alerts[0]?.since ?? "");

/** A fault that somebody is told of once, and once that it is over. */
interface Fault {
    alert: string;
    to: "studio" | "engineer";
    happens: () => Promise<unknown>;
    ends: () => Promise<unknown>;
    /** In the first alert's labels. */
    labels: Record<string, string>;
    /** How long until it is told, in ms, from the fault on. */
    limitMs: number;
    /** What the clip is to be. */
    clip?: (told: Told) => Promise<void>;
}

async function isTold({ alert, to, happens, ends, labels, limitMs, clip }: Fault): Promise<void> {
    const began = Date.now();
    try {
        await happens();
        const told = await receiver.tells({ to, kind: "began", alert, limitMs });
        note(alert, "told after (s)", Math.round((told.atMs - began) / 1000), limitMs / 1000);
        expect(told.alerts[0]?.labels).toMatchObject(labels);
        await clip?.(told);
    } finally {
        await ends();
    }
    const over = await receiver.tells({ to, kind: "over", alert, limitMs: limits.toldOver });
    expect(sinceOf(over)).toBeGreaterThan(began - 10_000);
}

/** What followed from a fault, or from its end, would be told by now. */
async function nothingElseIsTold(): Promise<void> {
    await sleep(20_000);
    expect(receiver.describe(receiver.unexpected())).toBe("");
}

/** What is heard in a clip, in its order, with the seconds of each. */
async function heardIn(told: Told): Promise<{ source: string; seconds: number }[]> {
    const samples = await clipOf(told);
    const seconds = samples.length / detectorRate;
    expect(Math.abs(seconds - 30)).toBeLessThan(limits.clip);
    const detector = new ToneDetector();
    detector.push(samples);
    return detector.timeline.map(({ source, from }, index) => ({
        source,
        seconds: (detector.timeline[index + 1]?.from ?? seconds) - from,
    }));
}

/** Level of one side at a clip's end: root mean square, relative to full scale. */
async function levelOf(told: Told, side: "left" | "right"): Promise<number> {
    const samples = await clipOf(told, side);
    const last = samples.subarray(-5 * detectorRate);
    return Math.sqrt(last.reduce((sum, sample) => sum + (sample / 32768) ** 2, 0) / last.length);
}

/** Not each time: all tests together end soon. */
const rarely = each ? it : it.skip;

rarely(
    "is made anew by `up` when it is lost, finds all machines, and its heartbeat was missing meanwhile",
    async () => {
        const beat = (): Promise<unknown> => {
            const before = receiver.heartbeats.length;
            return waitFor(() => Promise.resolve(receiver.heartbeats.length > before), {
                limitMs: limits.heartbeat,
                everyMs: 100,
                complaint: () => "there is no heartbeat",
            });
        };
        await beat();
        await loseDroplet("monitoring");
        const lost = Date.now();
        await sleep(1000);
        // The old one may have had more to say of earlier drills.
        receiver.forget();
        const beats = receiver.heartbeats.length;
        const result = await pulumiUp([], { refresh: true });
        expect(result).toMatchObject({ ok: true, errors: [] });
        await sees(world, 'up{job="machine"}', ofEach(everyMachine(world), 1));
        await beat();
        const missing = (receiver.heartbeats[beats] ?? 0) - lost;
        // One was due, once a minute, and did not come.
        expect(missing).toBeGreaterThan(60_000);
        // The new one knows no drill before this one: it has nothing to tell.
        expect(receiver.describe()).toBe("");
    },
);

it("tells of what is lost once, whatever else follows from it, and the studio first of what it can mend", async () => {
    await nothingIsWrong();
    const studio = world.encoder("studio");
    const relay = world.relays.find(({ region }) => region === "fra1");
    if (!relay) {
        throw new Error("the station has no Relay in fra1");
    }
    const killed = (name: string): Pick<Fault, "happens" | "ends"> => ({
        happens: () => killMachine(findMachine(name).id),
        ends: () => mendMachine(findMachine(name)),
    });
    const lost = Promise.all([
        isTold({
            ...killed(relay.name),
            ...{ alert: "RegionOut", to: "engineer", limitMs: limits.told(30) },
            labels: { region: "fra1" },
        }),
        isTold({
            ...killed("master-b"),
            ...{ alert: "MasterDown", to: "engineer", limitMs: limits.told(60) },
            labels: { machine: "master-b" },
        }),
    ]);
    const heard = (async () => {
        await isTold({
            ...{ alert: "SilenceOnAir", to: "studio", limitMs: limits.told(world.silence.afterSeconds / 2) },
            happens: () => studio.setSilent(true),
            ends: () => studio.setSilent(false),
            labels: { channel: world.channel },
            clip: async (told) => {
                const heard = await heardIn(told);
                const silence = heard.findIndex(({ source }) => source === "silence");
                expect(heard[silence - 1]?.source).toBe("studio");
                expect(heard[silence]?.seconds).toBeGreaterThan(world.silence.afterSeconds / 2);
            },
        });
        // Until the studio is heard again: both of its sides.
        await sees(world, "min(aerial_ears_level_right_dbfs) > bool -40", { "": 1 });
        await isTold({
            ...{ alert: "SideDead", to: "studio", limitMs: limits.told(60) },
            happens: () => world.encoder("studio").stop(),
            ends: () => world.start("studio"),
            labels: { channel: world.channel },
            clip: async (told) => {
                expect((await heardIn(told)).at(-1)?.source).toBe("mobile");
                const [left, right] = [await levelOf(told, "left"), await levelOf(told, "right")];
                expect(left).toBeGreaterThan(0.01);
                expect(right).toBeLessThan(left / 100);
            },
        });
    })();
    // Each mends what it did, before another one's failure ends the drill.
    const failures = (await Promise.allSettled([lost, heard])).flatMap((one) =>
        one.status === "rejected" ? [one.reason as Error] : [],
    );
    expect(failures).toEqual([]);
    await nothingElseIsTold();
});

// That the station is off air stands for it.
rarely("tells that there is no programme, with its end", async () => {
    await nothingIsWrong();
    await isTold({
        ...{ alert: "NoProgramme", to: "engineer", limitMs: limits.told(45) + limits.onTheWay },
        happens: () => world.arrange({}),
        ends: () => world.arrange(sources),
        labels: { channel: world.channel, source: "announcement" },
        clip: async (told) => {
            const heard = (await heardIn(told)).map(({ source }) => source);
            expect([heard[0], heard.at(-1)]).toEqual(["studio", "announcement"]);
        },
    });
    await nothingElseIsTold();
});

it("tells that the station is off air where listeners get nothing, though all machines are well", async () => {
    const closed =
        "table inet drill { chain input { type filter hook input priority -200; tcp dport 443 drop; }; }";
    await nothingIsWrong();
    const atRelays = (argv: string[]): Promise<unknown> =>
        Promise.all(world.relays.map(({ name }) => world.at(name, argv)));
    await isTold({
        ...{ alert: "OffAir", to: "engineer", limitMs: limits.told(45) },
        happens: () => atRelays(["nft", closed]),
        ends: () => atRelays(["nft", "destroy table inet drill"]),
        labels: { channel: world.channel },
    });
    await nothingElseIsTold();
});
