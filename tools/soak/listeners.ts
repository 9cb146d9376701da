import { setTimeout as sleep } from "node:timers/promises";

import { ensureClient } from "../../lab/network/network";
import { startListener, type Listener } from "../../lab/radio/listener";
import type { SoakListener } from "../bench/results";
import type { Station } from "../station/station";

/** Listeners who stay on for the whole soak: one for each format on each Relay. */
export class StayingListeners {
    private readonly told = new Map<string, string>();

    private constructor(private readonly seats: ReadonlyMap<string, Listener>) {}

    static async sit(station: Station): Promise<StayingListeners> {
        const seats = new Map<string, Listener>();
        for (const { name, region, url } of station.relays) {
            const netns = await ensureClient(region);
            for (const { codec, mount } of station.formats) {
                // Who decodes costs a tenth of a processor; bytes and frames tell of gaps.
                seats.set(
                    `${name} ${codec}`,
                    startListener({ netns, urls: [url + mount], codec, decode: false }),
                );
            }
        }
        await Promise.all([...seats.values()].map((listener) => listener.started()));
        await sleep(2000);
        return new StayingListeners(seats);
    }

    /** Tells of each listener what has become worse since the last time. */
    news(): string[] {
        return [...this.seats].flatMap(([name, listener]) => {
            const { disconnects, gaps } = listener.report();
            const now = `${disconnects} disconnects, ${gaps.length} gaps`;
            const before = this.told.get(name) ?? "0 disconnects, 0 gaps";
            this.told.set(name, now);
            return now === before ? [] : [`${name}: ${now}`];
        });
    }

    results(): SoakListener[] {
        return [...this.seats].map(([name, listener]) => {
            const { disconnects, gapSeconds, buffer } = listener.report();
            return {
                ...{ name, disconnects, gapSeconds },
                startSeconds: buffer.filledSeconds ?? 0,
                lowestSeconds: buffer.lowestSeconds ?? 0,
            };
        });
    }

    async leave(): Promise<void> {
        await Promise.allSettled([...this.seats.values()].map((listener) => listener.stop()));
    }
}

/** What is wrong with what listeners noticed. */
export function listenerComplaints(listeners: readonly SoakListener[]): string[] {
    return listeners.flatMap(({ name, disconnects, gapSeconds }) => [
        ...(disconnects > 0 ? [`the listener at ${name} was disconnected ${disconnects} times`] : []),
        ...(gapSeconds > 0 ? [`the listener at ${name} had gaps of ${gapSeconds.toFixed(1)} s`] : []),
    ]);
}
