import { setTimeout as sleep } from "node:timers/promises";

import { findMachine, freezeMachine, killMachine, mendMachine } from "../../../lab/machines/machines";
import type { Codec } from "../../../lab/radio/frames";
import { startListener, type Listener } from "../../../lab/radio/listener";
import type { ListenReport } from "../../../lab/radio/report";
import { waitFor } from "../../../lab/workstation/wait";
import { closeBook, note } from "../support/book";
import { limits } from "../support/limits";
import { World } from "../support/world";

/*
 * What is left of a machine that is gone: its journal, on the monitoring machine. And what comes of journals: who listened,
 * while a Master and the monitoring machine itself were lost.
 */

let world: World;
let before: Figures;
const listeners: Listener[] = [];
const codecs: readonly Codec[] = ["mp3", "aac"];
/** A session counts from a minute on. */
const leastSeconds = 60;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await mendMachine(findMachine("monitoring"));
    await world.arrange({ studio: {} });
    await world.ready(["studio"]);
    before = await figures();
    for (const relay of world.relays) {
        listeners.push(...codecs.map((codec) => listen(relay.region, world.url(relay, codec), codec)));
    }
    await Promise.all(listeners.map((listener) => listener.started()));
}, 1_200_000);

afterAll(async () => {
    await Promise.allSettled(listeners.map((listener) => listener.stop()));
    await world.arrange({});
    closeBook("logs");
});

/** One whose player and mount no other drill has. */
function listen(region: string, url: string, codec: Codec): Listener {
    const player = `VLC/3.0.21 LibVLC/3.0.21 ${process.pid}`;
    return startListener({ netns: `client-${region}`, urls: [url], codec, player, decode: false });
}

/** What listener figures say of the drill's players. */
interface Figures {
    sessions: number;
    hours: number;
    shortSessions: number;
}

interface Day {
    players: Record<string, { sessions: number; hours: number } | undefined>;
    short: { sessions: number };
}

/** Has them made now, of all days: a drill may go on after midnight. */
async function figures(): Promise<Figures> {
    const text = await world.at("monitoring", [
        ...["sh", "-euc"],
        "systemctl start aerial-figures.service; cat /var/lib/aerial-figures/days/*.json 2>/dev/null || true",
    ]);
    const days = text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Day);
    const sum = (of: (day: Day) => number | undefined): number =>
        days.map(of).reduce<number>((total, value) => total + (value ?? 0), 0);
    return {
        sessions: sum(({ players }) => players.VLC?.sessions),
        hours: sum(({ players }) => players.VLC?.hours),
        shortSessions: sum(({ short }) => short.sessions),
    };
}

/** The messages of the drill that the monitoring machine has of a machine. */
async function journalOf(machine: string): Promise<string[]> {
    const text = await world.at("monitoring", [
        ...["journalctl", "--directory=/var/log/journal/remote", "--quiet", "--output=cat"],
        ...["--identifier=drill", `_HOSTNAME=${machine}`],
    ]);
    return text.split("\n").filter(Boolean);
}

const say = (machine: string, message: string): Promise<string> =>
    world.at(machine, ["logger", "--tag", "drill", message]);

async function arrives(machine: string, message: string, limitMs: number): Promise<void> {
    await waitFor(async () => (await journalOf(machine)).includes(message), {
        limitMs,
        everyMs: 1000,
        complaint: () => `the monitoring machine has no "${message}" of ${machine}`,
    });
}

it("has what a machine logged until shortly before it lost its power", async () => {
    const machine = findMachine("master-b");
    const name = `killed ${Date.now()}`;
    await say("master-b", `${name}: begin`);
    await arrives("master-b", `${name}: begin`, 60_000);
    const said: { message: string; atMs: number }[] = [];
    const began = Date.now();
    try {
        while (Date.now() < began + 2 * limits.logged) {
            const message = `${name}: ${said.length}`;
            await say("master-b", message);
            said.push({ message, atMs: Date.now() });
            await sleep(1000);
        }
        await killMachine(machine.id);
        const killed = Date.now();
        // What is on the way.
        await sleep(3000);
        const has = new Set(await journalOf("master-b"));
        const lost = said.filter(({ message }) => !has.has(message));
        const lostMs = killed - (lost[0]?.atMs ?? killed);
        note("a machine is killed", "logs lost before its end (ms)", lostMs, limits.logged);
        expect(lostMs).toBeLessThanOrEqual(limits.logged);
    } finally {
        await mendMachine(findMachine("master-b"));
        await world.mend();
    }
});

it("gets what machines logged while the monitoring machine was away, and no listener notices that it is", async () => {
    const message = `away ${Date.now()}`;
    const gapsOf = (reports: ListenReport[]) =>
        reports.map(({ disconnects, gapSeconds }) => ({ disconnects, gapSeconds }));
    const reports = (): ListenReport[] => listeners.map((listener) => listener.report());
    const gaps = gapsOf(reports());
    const { id } = findMachine("monitoring");
    try {
        await freezeMachine(id);
        await sleep(5000);
        await killMachine(id);
        await say("master-a", message);
    } finally {
        await mendMachine(findMachine("monitoring"));
    }
    // A machine tries again after 30 s at the most; one that was left hanging, after a minute.
    await arrives("master-a", message, 180_000);
    expect(gapsOf(reports())).toEqual(gaps);
});

it("counts those who listened, and for how long, within 1 %", async () => {
    const [relay] = world.relays;
    if (!relay) {
        throw new Error("the station has no Relay");
    }
    // Who tries only is none.
    const tries = listen("nyc3", world.url(relay, "mp3"), "mp3");
    await tries.started();
    for (const listener of listeners) {
        await listener.waitFor("a minute", 2000 * leastSeconds, ({ seconds }) => seconds > leastSeconds + 5);
    }
    await tries.stop();
    // Who begins within 2 s of another one's end, at the same address, is taken for that one.
    await sleep(5000);
    const ended = await Promise.all(listeners.map((listener) => listener.stop()));
    const hours = ended.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
    const differs = ({ hours: counted }: Figures): number => (counted - before.hours) / hours - 1;
    let now = before;
    await waitFor(
        async () => {
            now = await figures();
            const isKnown = now.sessions > before.sessions && now.shortSessions > before.shortSessions;
            return isKnown && Math.abs(differs(now)) <= limits.figures;
        },
        {
            limitMs: 120_000,
            everyMs: 2000,
            complaint: () =>
                `listener figures went from ${JSON.stringify(before)} to ${JSON.stringify(now)} by ${hours} h`,
        },
    );
    note("listener figures", "hours differ (%)", Math.round(1e4 * differs(now)) / 100, 100 * limits.figures);
    expect(now.sessions - before.sessions).toBe(listeners.length);
});
