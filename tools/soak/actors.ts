import { setTimeout as sleep } from "node:timers/promises";

import { summarize } from "../../lab/cli/roleStatus";
import { imageCommand } from "../../lab/machines/image";
import { Encoder } from "../../lab/radio/encoder";
import { pick } from "../../lab/radio/outputs";
import { run } from "../../lab/workstation/run";
import { waitFor } from "../../lab/workstation/wait";
import { faultsOf, type Fault } from "../station/faults";
import type { Station } from "../station/station";
import type { Chance } from "./random";

/** What those who act in a soak need. */
export interface Stage {
    station: Station;
    chance: Chance;
    /** Ends everything; whoever has broken something mends it first. */
    signal: AbortSignal;
    /** Whether the second half has begun, in which growth is judged. */
    isLate: () => boolean;
    /** Tells what happens, and counts it by its first argument. */
    note: (what: string, where: string) => void;
    /** Tells what must not be: the soak has failed. */
    complain: (what: string) => void;
}

/** The sources of the outside world that come and go; the playout has a machine of its own. */
const comingAndGoing = ["studio", "mobile"];

/** How long a Master may take until it is well again, in seconds. */
const wellWithinSeconds = 120;

/** Waits for a time in seconds, or until the end of the soak. */
async function rest({ signal }: Stage, seconds: number): Promise<void> {
    // The end of the soak is no error.
    await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}

/**
 * Masters fail one at a time, and come back. A process has to live for some time to show that it grows: most faults
 * leave programs as they are, and those of the last Master are not ended in the second half.
 */
export async function breakMasters(stage: Stage): Promise<void> {
    const { station, chance, signal, note, complain } = stage;
    for (;;) {
        await rest(stage, chance.between(30, 90));
        if (signal.aborted) {
            return;
        }
        const master = chance.pick(station.masters);
        const spared = stage.isLate() && master === station.masters.at(-1);
        const weightOf = ({ restarts }: Fault): number => (!restarts ? 4 : spared ? 0 : 1);
        const fault = chance.pick(faultsOf(station.channel), weightOf);
        const seconds = chance.between(4, 20);
        note(fault.name, `${master}, ${seconds.toFixed(0)} s`);
        await fault.happens(master);
        await rest(stage, seconds);
        await fault.ends?.(master);
        try {
            await untilWell(station);
        } catch (error) {
            complain(`after ${fault.name} of ${master}: ${messageOf(error)}`);
        }
    }
}

/** Waits until all Masters play and all Relays are healthy. */
async function untilWell(station: Station): Promise<void> {
    for (const master of station.masters) {
        await waitFor(
            async () => {
                try {
                    const told = await station.at(master, ["/usr/local/lib/aerial/status"]);
                    return summarize(JSON.parse(told)).health === "ok";
                } catch {
                    return false;
                }
            },
            {
                limitMs: wellWithinSeconds * 1000,
                everyMs: 1000,
                complaint: () => `${master} is not well within ${wellWithinSeconds} s`,
            },
        );
    }
    await station.settled(station.outputs.ingest.masters.map(({ id }) => id));
}

/** Sources come, hang, send silence, and go. */
export async function changeSources(stage: Stage): Promise<void> {
    const { station, chance, signal, note } = stage;
    const known = Object.keys(station.outputs.ingest.sources[station.channel] ?? {});
    const sources = known.filter((name) => comingAndGoing.includes(name));
    while (sources.length > 0) {
        await rest(stage, chance.between(15, 60));
        if (signal.aborted) {
            return;
        }
        const source = chance.pick(sources);
        const encoder = new Encoder(station.channel, source);
        const act = chance.next();
        const seconds = chance.between(3, 15);
        const master = chance.pick([undefined, "both"]);
        try {
            if (encoder.state === "off") {
                note("source comes", source);
                await encoder.start(station.outputs, { master });
            } else if (act < 0.5) {
                note("source goes", source);
                await encoder.stop();
            } else if (act < 0.75) {
                note("source hangs", `${source}, ${seconds.toFixed(0)} s`);
                await encoder.freeze();
                await rest(stage, seconds);
                await encoder.thaw();
            } else {
                note("source sends silence", `${source}, ${seconds.toFixed(0)} s`);
                await encoder.setSilent(true);
                await rest(stage, seconds);
                await encoder.setSilent(false);
            }
        } catch (error) {
            // A Master that fails in this moment refuses it.
            note("source refused", `${source}: ${messageOf(error).split("\n")[0]}`);
        }
    }
}

/** Titles as studios send them, in letters of all kinds. */
const titles = [
    "Café del Mar – Été",
    "Zażółć gęślą jaźń",
    "Кино – Группа крови",
    "椎名林檎 – 丸ノ内サディスティック",
    "A & B <live>",
];

/** Titles change, at the sources that are on. */
export async function changeTitles(stage: Stage): Promise<void> {
    const { station, chance, signal, note } = stage;
    const { ingest, ingestPasswords } = station.outputs;
    const sources = Object.entries(ingest.sources[station.channel] ?? {});
    for (let count = 1; ; count++) {
        await rest(stage, chance.between(10, 40));
        const host = chance.pick(ingest.masters);
        const title = `${chance.pick(titles)} (${count})`;
        if (signal.aborted) {
            return;
        }
        for (const [source, { mount, user }] of sources) {
            if (new Encoder(station.channel, source).state !== "running") {
                continue;
            }
            const password = pick(ingestPasswords[station.channel] ?? {}, "password", source);
            const query = new URLSearchParams({ mode: "updinfo", charset: "UTF-8", mount, song: title });
            const url = `http://${host.host}:${host.port}/admin/metadata?${query.toString()}`;
            const curl = ["curl", "-sf", "-m", "3", "-o", "/dev/null", "-u", `${user}:${password}`, url];
            const { code } = await run(imageCommand(curl, { netns: "studio" }), { allow: "any" });
            // The source may be at the other Master.
            note(code === 0 ? "title" : "title for a source that is not there", `${source} at ${host.id}`);
        }
    }
}

function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
