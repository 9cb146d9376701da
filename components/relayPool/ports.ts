/*
 * Ports of a Relay on the loopback address only.
 */

/** Where the feed tells what it does, and is told of new listeners. */
export const feedPort = 8078;

const firstUpstreamPort = 8100;

/** Behind which port the upstream at this place of the list is. */
export function upstreamPort(upstreamIndex: number): number {
    return firstUpstreamPort + upstreamIndex;
}
