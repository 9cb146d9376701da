import { setTimeout as sleep } from "node:timers/promises";

import { issuingRoots } from "../../../lab/acme";
import type { Amazon } from "../support/amazon";
import { clientOf } from "../support/names";
import { statusOf } from "../support/stranger";
import type { Listeners } from "./listeners";

export interface Arrivals {
    /** Ends the watch. Tells every answer of the balancer, and by instance its state when it had its first listener. */
    end(): Promise<{ answers: string[]; arrivals: Record<string, string> }>;
}

/**
 * Asks the balancer again and again, at both ports, as who has just come; and sees which state instances that are new
 * are in when they get their first listener.
 */
export async function watchArrivals(
    amazon: Amazon,
    { mount, stream }: Listeners,
    regions: readonly string[],
    canary: string,
): Promise<Arrivals> {
    const answers: string[] = [];
    const arrivals: Record<string, string> = {};
    const places = await Promise.all(regions.map(clientOf));
    let over = false;
    // A drill that fails does not end it.
    setTimeout(() => (over = true), 300_000).unref();
    const playlist = `${mount.mp3}.m3u`;
    const asking = (async () => {
        for (let n = 0; !over; n++) {
            const place = places[n % places.length] ?? "";
            const address = amazon.addresses[n % 2] ?? "";
            const byName = ["--resolve", `${stream}:443:${address}`, "--cacert", issuingRoots];
            answers.push(await statusOf(place, `http://${address}${playlist}`));
            answers.push(await statusOf(place, `https://${stream}${playlist}`, ...byName));
            await sleep(300);
        }
    })();
    const looking = (async () => {
        while (!over) {
            for (const { id } of amazon.instances().filter((one) => one.id !== canary && !arrivals[one.id])) {
                if ((await amazon.connectionsAt(id, regions)).length > 0) {
                    const state = amazon.instances().find((one) => one.id === id)?.lifecycle ?? "gone";
                    const healthy = amazon.serving().some((one) => one.id === id);
                    arrivals[id] = `${state}, ${healthy ? "healthy" : "not healthy"}`;
                }
            }
            await sleep(100);
        }
    })();
    return {
        async end() {
            over = true;
            await Promise.all([asking, looking]);
            return { answers, arrivals };
        },
    };
}
