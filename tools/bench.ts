import { join } from "node:path";

import { Command, InvalidArgumentError, Option } from "commander";

import { findMachine, mendMachine } from "../lab/machines/machines";
import { checkout } from "../lab/paths";
import { Encoder } from "../lab/radio/encoder";
import { writeJson } from "../lab/workstation/files";
import { stopBareIcecast } from "./bench/bare";
import { circumstances } from "./bench/circumstances";
import { keepResult } from "./bench/document";
import { measureFaults } from "./bench/faults";
import { benchSection } from "./bench/markdown";
import { measureCost, measureFirstBytes, measureHerd, measureRest, preferredOf } from "./bench/measure";
import type { BenchResult } from "./bench/results";
import { Station, type Relay } from "./station/station";

interface Options {
    rounds: number;
    tries: number;
    listeners: number;
    herd: number;
    faults: number;
    only: string[];
}

const parts = ["first", "rest", "cost", "herd", "faults"];

/** How long a Relay is looked at that nobody listens to. */
const restSeconds = 60;

new Command("bench")
    .description(
        "Measures the lab's station: the first byte, what listeners cost, a herd, the buffer over faults.\n" +
            "About 30 minutes. The lab goes up unless it is, and goes down again then. Let nothing else run.",
    )
    .usage('[options]   (make bench ARGS="[options]")')
    .option("--rounds <n>", "measurements of each figure; the median counts", whole, 5)
    .option("--tries <n>", "listeners a round for the first byte", whole, 20)
    .option("--listeners <n>", "listeners for what they cost", whole, 1000)
    .option("--herd <n>", "listeners who connect at once", whole, 3000)
    .option("--faults <n>", "faults of the Master that is heard", whole, 10)
    .addOption(
        new Option("--only <parts>", `some of ${parts.join(",")}`).argParser(partsOf).default(parts, "all"),
    )
    .addHelpText(
        "after",
        "\nA whole bench writes docs/bench.json and docs/bench.md; any writes .test/bench.json.",
    )
    .action(bench)
    .parseAsync()
    .catch((error: unknown) => {
        console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
    });

async function bench(options: Options): Promise<void> {
    const say = (line: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
    const station = await Station.open(say);
    const [source = ""] = Object.keys(station.outputs.ingest.sources[station.channel] ?? {});
    const encoder = new Encoder(station.channel, source);
    // One that was on before stays as it is.
    const started = (await encoder.start(station.outputs, { master: "both" })) !== undefined;
    const cleanUp = async (): Promise<void> => {
        await Promise.all(station.masters.map((name) => mendMachine(findMachine(name))));
        await stopBareIcecast(station, relayOf(station).name);
        if (started) {
            await encoder.stop();
        }
        await station.leave(say);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        // What runs ends with the process: a load by its closed output or its own limit.
        process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
    }
    try {
        const result = await measure(station, options, say);
        console.log(benchSection(result));
        if (parts.every((part) => options.only.includes(part))) {
            say(`written: ${(await keepResult("bench", result)).join(", ")}`);
        }
    } finally {
        await cleanUp();
    }
}

/** The Relay that is measured. */
function relayOf({ relays: [relay] }: Station): Relay {
    if (relay === undefined) {
        throw new Error("the station has no Relay");
    }
    return relay;
}

async function measure(
    station: Station,
    options: Options,
    say: (line: string) => void,
): Promise<BenchResult> {
    const { rounds, tries, listeners, herd, faults, only } = options;
    const relay = relayOf(station);
    await station.settled([preferredOf(station)]);
    const result: BenchResult = { circumstances: await circumstances(station), rounds, tries, listeners };
    const measureParts: Record<string, () => Promise<void>> = {
        first: async () => {
            result.firstBytes = await measureFirstBytes(station, relay, { rounds, tries, say });
        },
        rest: async () => {
            result.rest = await measureRest(relay, { seconds: restSeconds, say });
        },
        cost: async () => {
            result.cost = await measureCost(station, relay, { rounds, listeners, say });
        },
        herd: async () => {
            result.herd = await measureHerd(station, relay, { rounds, count: herd, say });
        },
        faults: async () => {
            result.faults = await measureFaults(station, { count: faults, say });
        },
    };
    for (const part of parts.filter((one) => only.includes(one))) {
        await measureParts[part]?.();
        // A part that fails later does not take these with it.
        writeJson(join(checkout, ".test/bench.json"), result);
    }
    return result;
}

function whole(value: string): number {
    if (!/^[1-9]\d*$/.test(value)) {
        throw new InvalidArgumentError("give a whole number above 0.");
    }
    return Number(value);
}

function partsOf(value: string): string[] {
    const wanted = value.split(",");
    if (!wanted.every((part) => parts.includes(part))) {
        throw new InvalidArgumentError(`use ${parts.join(", ")}, separated by commas.`);
    }
    return wanted;
}
