import { setTimeout as sleep } from "node:timers/promises";

import { ensureClient } from "../../lab/network/network";
import { startListener, type Listener } from "../../lab/radio/listener";
import { faultsOf } from "../station/faults";
import type { Station } from "../station/station";
import { median } from "./figures";
import { preferredOf } from "./measure";
import type { FaultRow, FaultsResult } from "./results";

/** From one fault to the next, in seconds; longer where a Master needs longer to come back. */
const apartSeconds = 20;
/** Longer than any time-out on the way: what must give up on the Master has given up. */
const faultSeconds = 8;
/** After this time, a listener's buffer is to be as it was. */
const refilledSeconds = 3;

interface Seat {
    listener: Listener;
    start: number;
}

/** Lets faults happen in a row to the Master that is heard, and looks at the buffers of listeners who stay for all. */
export async function measureFaults(
    station: Station,
    { count, say }: { count: number; say: (line: string) => void },
): Promise<FaultsResult> {
    const kinds = faultsOf(station.channel);
    const preferred = preferredOf(station);
    const master = station.masters.find((name) => name.endsWith(`-${preferred}`)) ?? station.masters[0] ?? "";
    await station.settled([preferred]);
    const seats = await sit(station);
    try {
        const rows: FaultRow[] = [];
        for (let n = 0; n < count; n++) {
            const kind = kinds[n % kinds.length];
            if (kind === undefined) {
                break;
            }
            const began = Date.now();
            const watched = watch(seats);
            await kind.happens(master);
            await sleep(refilledSeconds * 1000);
            const missingSeconds = Math.min(
                ...(await levels(seats)).map((level, i) => level - (seats[i]?.start ?? 0)),
            );
            await sleep(faultSeconds * 1000 - refilledSeconds * 1000 - 1000);
            await kind.ends?.(master);
            await station.settled([preferred]);
            await sleep(Math.max(2000, began + apartSeconds * 1000 - Date.now()));
            const lowestSeconds = watched();
            rows.push({ fault: kind.name, lowestSeconds, missingSeconds });
            say(`fault ${n + 1} of ${count}: ${kind.name}, lowest buffer ${lowestSeconds.toFixed(1)} s`);
        }
        const reports = seats.map(({ listener }) => listener.report());
        return {
            listeners: seats.length,
            startSeconds: Math.min(...seats.map(({ start }) => start)),
            rows,
            disconnects: reports.reduce((sum, { disconnects }) => sum + disconnects, 0),
            gapSeconds: reports.reduce((sum, { gapSeconds }) => sum + gapSeconds, 0),
        };
    } finally {
        await Promise.allSettled(seats.map(({ listener }) => listener.stop()));
    }
}

/** A listener for each format on the first Relay of each region. */
async function sit(station: Station): Promise<Seat[]> {
    const regions = [...new Set(station.relays.map(({ region }) => region))];
    const listeners = await Promise.all(
        regions.flatMap((region) => {
            const relay = station.relays.find((one) => one.region === region);
            return station.formats.map(async ({ codec, mount }) =>
                startListener({
                    netns: await ensureClient(region),
                    urls: [`${relay?.url ?? ""}${mount}`],
                    codec,
                    decode: false,
                }),
            );
        }),
    );
    await Promise.all(listeners.map((listener) => listener.started()));
    // The burst has to be over.
    await sleep(3000);
    const starts = await levels(listeners.map((listener) => ({ listener })));
    return listeners.map((listener, index) => ({ listener, start: starts[index] ?? NaN }));
}

/** The levels of all buffers, each the middle of a second: a level sinks steadily and rises with each block. */
async function levels(seats: readonly { listener: Listener }[]): Promise<number[]> {
    const seen = seats.map((): number[] => []);
    for (let n = 0; n < 6; n++) {
        seats.forEach(({ listener }, index) => seen[index]?.push(listener.report().buffer.nowSeconds));
        await sleep(1000 / 6);
    }
    return seen.map(median);
}

/** Follows the buffers, until the function that it returns tells the lowest level of them all. */
function watch(seats: readonly Seat[]): () => number {
    let lowest = Infinity;
    const look = (): void => {
        lowest = Math.min(lowest, ...seats.map(({ listener }) => listener.report().buffer.nowSeconds));
    };
    const timer = setInterval(look, 100);
    return () => {
        clearInterval(timer);
        look();
        return lowest;
    };
}
