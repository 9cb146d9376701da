import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Command, InvalidArgumentError } from "commander";

import { machineUsage } from "../lab/machines/usage";
import { ensureImage } from "../lab/machines/image";
import { findMachine, listMachines, mendMachine } from "../lab/machines/machines";
import { checkout } from "../lab/paths";
import { Encoder } from "../lab/radio/encoder";
import { writeJson } from "../lab/workstation/files";
import { circumstances } from "./bench/circumstances";
import { keepResult } from "./bench/document";
import { soakSection } from "./bench/markdown";
import type { SoakResult } from "./bench/results";
import { breakMasters, changeSources, changeTitles } from "./soak/actors";
import { listenerComplaints, StayingListeners } from "./soak/listeners";
import { Chance } from "./soak/random";
import { UsageRecord } from "./soak/record";
import { Station } from "./station/station";

interface Options {
    hours: number;
    seed: number;
}

/** Samples of a long soak; a short one has one every `fastestSampleSeconds`. */
const mostSamples = 480;
const fastestSampleSeconds = 10;

/** Of its time, a soak that was stopped needs this share to count as one. */
const enoughOfIt = 0.5;

new Command("soak")
    .description(
        "Runs the lab's station for hours: sources come and go, Masters fail and come back, titles change, listeners stay.\n" +
            "Fails when a program grows, a Relay's program is started again, or a listener has a gap or is disconnected.",
    )
    .usage("--hours <n> [options]   (npm run soak -- --hours 1)")
    .requiredOption("--hours <n>", "how long; parts of an hour too", positive)
    .option("--seed <n>", "what happens when, as in the run that printed it", seedOf, Date.now() % 1_000_000)
    .addHelpText(
        "after",
        [
            "\nThe lab goes up unless it is, and down again then. Ctrl-C ends it early, or SIGTERM to the process that it names:",
            "it mends what it broke, and tells what it has seen. Writes .test/soak.json, and after at least half of its time",
            "docs/soak.json and docs/bench.md.",
        ].join("\n"),
    )
    .action(soak)
    .parseAsync()
    .catch((error: unknown) => {
        console.error(`soak: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
    });

async function soak({ hours, seed }: Options): Promise<void> {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.on(signal, () => stop.abort());
    }
    const say = (line: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
    say(`seed ${seed}; to end it early: kill ${process.pid}`);
    await ensureImage();
    const station = await Station.open(say);
    const sources = Object.keys(station.outputs.ingest.sources[station.channel] ?? {});
    const onBefore = sources.filter((source) => new Encoder(station.channel, source).state !== "off");
    try {
        const result = await run(station, { hours, seed, stop, say });
        await keep(result, hours, say);
        process.exitCode = result.complaints.length > 0 ? 1 : 0;
    } finally {
        await restore(station, sources, onBefore).finally(() => station.leave(say));
    }
}

/** Leaves the Masters well, and on what was on. */
async function restore(
    station: Station,
    sources: readonly string[],
    onBefore: readonly string[],
): Promise<void> {
    await Promise.all(station.masters.map((name) => mendMachine(findMachine(name))));
    for (const source of sources) {
        const encoder = new Encoder(station.channel, source);
        await (onBefore.includes(source) ? encoder.start(station.outputs) : encoder.stop());
    }
}

async function run(
    station: Station,
    { hours, seed, stop, say }: Options & { stop: AbortController; say: (line: string) => void },
): Promise<SoakResult> {
    await Promise.all(station.masters.map((name) => mendMachine(findMachine(name))));
    await station.settled(station.outputs.ingest.masters.map(({ id }) => id));
    const where = await circumstances(station);
    const listeners = await StayingListeners.sit(station);
    const began = Date.now();
    const happened: Record<string, number> = {};
    const complaints: string[] = [];
    const stage = {
        station,
        signal: stop.signal,
        isLate: (): boolean => Date.now() - began > (hours * 3_600_000) / 2,
        note: (what: string, where: string): void => {
            happened[what] = (happened[what] ?? 0) + 1;
            say(`${what}: ${where}`);
        },
        complain: (what: string): void => {
            complaints.push(what);
            say(`FAILED: ${what}`);
        },
    };
    const record = new UsageRecord();
    const acting = [
        breakMasters({ ...stage, chance: new Chance(seed, "Masters") }),
        changeSources({ ...stage, chance: new Chance(seed, "sources") }),
        changeTitles({ ...stage, chance: new Chance(seed, "titles") }),
        look({ hours, began, stop, record, listeners, say }),
    ];
    // What fails in one of them ends all.
    acting.forEach((one) => void one.catch(() => stop.abort()));
    for (const ended of await Promise.allSettled(acting)) {
        if (ended.status === "rejected") {
            stage.complain(`the soak ended early: ${String(ended.reason)}`);
        }
    }
    const heard = listeners.results();
    await listeners.leave();
    return {
        circumstances: where,
        seed,
        hours: (Date.now() - began) / 3_600_000,
        samples: record.samples,
        moments: record.moments(),
        rows: record.rows(),
        memoryByAge: record.memoryByAge(),
        happened,
        listeners: heard,
        complaints: [...complaints, ...record.complaints(station.masters), ...listenerComplaints(heard)],
    };
}

/** Takes samples, and tells of listeners, until the time is over or the soak is stopped. */
async function look(soak: {
    hours: number;
    began: number;
    stop: AbortController;
    record: UsageRecord;
    listeners: StayingListeners;
    say: (line: string) => void;
}): Promise<void> {
    const { hours, began, stop, record, listeners, say } = soak;
    const everyMs = Math.max(fastestSampleSeconds, (hours * 3600) / mostSamples) * 1000;
    const endsAt = began + hours * 3_600_000;
    let sampleAt = began;
    try {
        while (!stop.signal.aborted && Date.now() < endsAt) {
            listeners.news().forEach((line) => say(line));
            if (Date.now() >= sampleAt) {
                record.take((Date.now() - began) / 60_000, usageOfAll());
                sampleAt += everyMs;
            }
            await sleep(Math.min(500, Math.max(0, endsAt - Date.now())));
        }
        record.take((Date.now() - began) / 60_000, usageOfAll());
    } finally {
        stop.abort();
    }
}

/** What all machines use that are on. */
function usageOfAll(): Map<string, ReturnType<typeof machineUsage>> {
    return new Map(listMachines().map(({ id, name }) => [name, machineUsage(id)]));
}

async function keep(result: SoakResult, hours: number, say: (line: string) => void): Promise<void> {
    writeJson(join(checkout, ".test/soak.json"), result);
    console.log(`\n${soakSection(result)}`);
    if (result.hours >= enoughOfIt * hours) {
        say(`written: ${(await keepResult("soak", result)).join(", ")}`);
    }
    result.complaints.forEach((complaint) => say(`FAILED: ${complaint}`));
}

function positive(value: string): number {
    const number = Number(value);
    if (!Number.isFinite(number) || number <= 0) {
        throw new InvalidArgumentError("give a number of hours above 0, such as 0.5.");
    }
    return number;
}

function seedOf(value: string): number {
    if (!/^\d{1,9}$/.test(value)) {
        throw new InvalidArgumentError("give a whole number of up to nine digits.");
    }
    return Number(value);
}
