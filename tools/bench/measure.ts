import { setTimeout as sleep } from "node:timers/promises";

import { issuingRoots } from "../../lab/acme";
import { findMachine } from "../../lab/machines/machines";
import { machineUsage, type UnitUsage } from "../../lab/machines/usage";
import { ensureClient } from "../../lab/network/network";
import { machineNamespace } from "../../lab/paths";
import type { Relay, Station } from "../station/station";
import { barePort, bareUnit, startBareIcecast, stopBareIcecast } from "./bare";
import { medians, percentile } from "./figures";
import { holdListeners, playFirst, startleHerd, type Audience, type FirstBytes } from "./load";
import type { CostRow, FirstBytesRow, HerdRow, RestRow } from "./results";

type Say = (line: string) => void;

/** Listeners on the Relay's own machine come from so many addresses that its limits by address hold as they are. */
const manyAddresses = "127.16.0.0/16";

/** Over this time, the processor's use is measured. */
const windowSeconds = 8;
/** From the last listener's first audio to that: their bursts are over. */
const settleSeconds = 3;
/** Who of a herd has no audio by then counts as if that came now: the load client waits no longer. */
const herdLimitMs = 60_000;
/** From the restart of a Relay's programs until its figures are those of rest. */
const restSeconds = 10;

/** The units that serve listeners on a Relay, in whichever slot. */
const servingUnits = ["a", "b", "c"]
    .flatMap((slot) => [`aerial-nginx@${slot}.service`, `aerial-icecast@${slot}.service`])
    .concat("aerial-feed.service");

interface Way {
    name: string;
    audience: Audience;
}

type Format = Station["formats"][number];

const nameOf = ({ codec, bitrateKbps }: Format): string => `${codec.toUpperCase()} ${bitrateKbps}`;

/** First bytes by format, on the Relay itself and by name over TLS from a listener's place. */
export async function measureFirstBytes(
    station: Station,
    relay: Relay,
    { rounds, tries, say }: { rounds: number; tries: number; say: Say },
): Promise<FirstBytesRow[]> {
    const client = await ensureClient(relay.region);
    const rows: FirstBytesRow[] = [];
    for (const format of station.formats) {
        const ways: Way[] = [
            { name: "on the Relay", audience: onRelay(relay, format) },
            { name: "by name, TLS", audience: { place: client, url: format.url, ca: issuingRoots } },
        ];
        const heard = new Map<Way, FirstBytes[]>(ways.map((way) => [way, []]));
        // Ways take turns, so that what else the workstation does meets all of them.
        for (let round = 0; round < rounds; round++) {
            for (const [way, results] of heard) {
                results.push(await playFirst(way.audience, tries));
            }
            say(`first bytes: ${nameOf(format)}, round ${round + 1} of ${rounds}`);
        }
        for (const [way, results] of heard) {
            const byRound = results.map(({ answerMs, audioMs }) => ({
                answerP50: percentile(answerMs, 0.5),
                answerP95: percentile(answerMs, 0.95),
                audioP50: percentile(audioMs, 0.5),
                audioP95: percentile(audioMs, 0.95),
            }));
            const failures = sum(results.flatMap((result) => Object.values(result.failures)));
            rows.push({ format: nameOf(format), way: way.name, ...medians(byRound), failures });
        }
    }
    return rows;
}

/** What the units of a Relay need while nobody listens. */
export async function measureRest(
    relay: Relay,
    { seconds, say }: { seconds: number; say: Say },
): Promise<RestRow[]> {
    say(`a Relay at rest: ${seconds} s`);
    const { id } = findMachine(relay.name);
    const before = usageByUnit(id);
    await sleep(seconds * 1000);
    return [...usageByUnit(id).values()].flatMap((usage) => {
        const since = before.get(usage.unit);
        return since === undefined
            ? []
            : [
                  {
                      unit: usage.unit,
                      processorPercent: (100 * (usage.processorSeconds - since.processorSeconds)) / seconds,
                      memoryMiB: usage.memoryMiB,
                      descriptors: usage.descriptors,
                  },
              ];
    });
}

/** What listeners cost the whole Relay, and Icecast alone on the same machine. */
export async function measureCost(
    station: Station,
    relay: Relay,
    { rounds, listeners, say }: { rounds: number; listeners: number; say: Say },
): Promise<CostRow[]> {
    const { id } = findMachine(relay.name);
    const servers = station.formats.flatMap((format): (Way & { format: Format; units: string[] })[] => [
        { name: "Relay", format, audience: onRelay(relay, format), units: servingUnits },
        { name: "Relay, TLS", format, audience: onRelayByTls(relay, format), units: servingUnits },
        { name: "bare Icecast", format, audience: onBareIcecast(relay, format), units: [bareUnit] },
    ]);
    const measured = new Map(servers.map((server) => [server, [] as Omit<CostRow, "format" | "server">[]]));
    try {
        await startBareIcecast(station, relay.name);
        for (let round = 0; round < rounds; round++) {
            for (const [{ name, format, audience, units }, results] of measured) {
                say(`cost: ${nameOf(format)}, ${name}, round ${round + 1} of ${rounds}`);
                if (round === 0) {
                    // Programs keep memory that they have once needed: what listeners need shows only in new ones.
                    await (units.includes(bareUnit)
                        ? startBareIcecast(station, relay.name)
                        : restartRelay(station, relay));
                    await sleep(restSeconds * 1000);
                }
                results.push(await costOf(id, units, audience, listeners));
            }
        }
    } finally {
        await stopBareIcecast(station, relay.name);
    }
    return [...measured].map(([{ name, format }, results]) => ({
        format: nameOf(format),
        server: name,
        ...medians(results),
        // Of the first round, as said above; and a loss is a loss in any.
        kibPerListener: results[0]?.kibPerListener ?? NaN,
        lost: sum(results.map(({ lost }) => lost)),
    }));
}

/** Listeners who all connect at once, over TLS, in the format that costs the least: they share the workstation. */
export async function measureHerd(
    station: Station,
    relay: Relay,
    { rounds, count, say }: { rounds: number; count: number; say: Say },
): Promise<HerdRow[]> {
    const format = [...station.formats].sort((a, b) => a.bitrateKbps - b.bitrateKbps)[0];
    if (format === undefined) {
        return [];
    }
    const results: Omit<HerdRow, "count" | "format">[] = [];
    for (let round = 0; round < rounds; round++) {
        const herd = await startleHerd(onRelayByTls(relay, format), count);
        const late = Array<number>(count - herd.waitedMs.length).fill(herdLimitMs);
        const waited = [...herd.waitedMs, ...late];
        results.push({
            halfMs: percentile(waited, 0.5),
            p95Ms: percentile(waited, 0.95),
            lastMs: percentile(waited, 1),
            failures: sum(Object.values(herd.failures)) + late.length,
            clientPercent: 100 * herd.processor,
        });
        say(`herd of ${count}, round ${round + 1} of ${rounds}: the last after ${results.at(-1)?.lastMs} ms`);
        // Connections that end at once leave work behind.
        await sleep(5000);
    }
    return [{ count, format: nameOf(format), ...medians(results) }];
}

function onRelay(relay: Relay, { mount }: Format): Audience {
    return { place: placeOf(relay), url: `http://127.0.0.1${mount}`, from: manyAddresses };
}

function onRelayByTls(relay: Relay, { url }: Format): Audience {
    return { place: placeOf(relay), url, address: "127.0.0.1:443", ca: issuingRoots, from: manyAddresses };
}

function onBareIcecast(relay: Relay, { mount }: Format): Audience {
    return { place: placeOf(relay), url: `http://127.0.0.1:${barePort}${mount}`, from: manyAddresses };
}

const placeOf = ({ name }: Relay): string => machineNamespace(findMachine(name).id);

async function restartRelay(station: Station, relay: Relay): Promise<void> {
    const units = await station.at(relay.name, [
        ...["systemctl", "list-units", "--no-legend", "--plain", "--state=active", ...servingUnits],
    ]);
    const names = units
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0] ?? "");
    await station.at(relay.name, ["systemctl", "restart", ...names]);
    await station.settled([preferredOf(station)]);
}

/** The upstream that Relays prefer. */
export function preferredOf({ outputs }: Station): string {
    return outputs.ingest.masters[0]?.id ?? "";
}

async function costOf(
    machine: string,
    units: readonly string[],
    audience: Audience,
    count: number,
): Promise<Omit<CostRow, "format" | "server">> {
    const window = async (): Promise<{ percent: number; memoryMiB: number }> => {
        const used = (): UnitUsage[] => machineUsage(machine).filter(({ unit }) => units.includes(unit));
        const seconds = (usages: UnitUsage[]) => sum(usages.map(({ processorSeconds }) => processorSeconds));
        const [before, since] = [seconds(used()), performance.now()];
        await sleep(windowSeconds * 1000);
        const now = used();
        const percent = (100 * (seconds(now) - before) * 1000) / (performance.now() - since);
        return { percent, memoryMiB: sum(now.map(({ memoryMiB }) => memoryMiB)) };
    };
    const idle = await window();
    let loaded = idle;
    const held = await holdListeners(
        audience,
        { count, seconds: settleSeconds + windowSeconds + 1 },
        async () => {
            await sleep(settleSeconds * 1000);
            loaded = await window();
        },
    );
    return {
        processorPercent: ((loaded.percent - idle.percent) * 1000) / count,
        kibPerListener: ((loaded.memoryMiB - idle.memoryMiB) * 1024) / count,
        clientPercent: 100 * held.processor,
        lost: held.lost + sum(Object.values(held.failures)),
    };
}

function usageByUnit(machine: string): Map<string, UnitUsage> {
    return new Map(machineUsage(machine).map((usage) => [usage.unit, usage]));
}

function sum(values: readonly number[]): number {
    return values.reduce((total, value) => total + value, 0);
}
