import { startListener, type Listener } from "../../../lab/radio/listener";
import { publicRoots } from "../../../lab/radio/station";
import { clientOf } from "./names";
import type { World } from "./world";

/** How many listeners of a region may come until each of its Relays has one. */
const mostInRegion = 16;

/** A listener of a region over TLS, by the station's name. */
export async function listenByName(world: World, region: string): Promise<Listener> {
    return startListener({
        netns: await clientOf(region),
        urls: [world.outputs.channels[world.channel]?.formats[0]?.url ?? ""],
        codec: "mp3",
        ca: publicRoots(),
        decode: false,
    });
}

/**
 * Listeners by the station's name, one on every Relay at least: DNS decides who comes to which.
 *
 * @param listeners gets each of them, also when it fails.
 * @throws when one of a region's Relays gets nobody.
 */
export async function listenOnEveryRelay(world: World, listeners: Listener[]): Promise<void> {
    for (const region of Object.keys(world.outputs.listen)) {
        const missing = new Set(world.addressesOf(region));
        for (let come = 0; missing.size > 0; come++) {
            if (come === mostInRegion) {
                throw new Error(`nobody of ${come} in ${region} came to ${[...missing].join(", ")}`);
            }
            const listener = await listenByName(world, region);
            listeners.push(listener);
            const { connections } = await listener.started();
            missing.delete(connections.at(-1)?.address ?? "");
        }
    }
}
