import { setTimeout as sleep } from "node:timers/promises";

import { run } from "../../../lab/host/run";
import { ensureClient, inNamespace } from "../../../lab/network/network";

/** The addresses a place is answered for a name, in the order in which they came. */
export async function ask(place: string, name: string): Promise<string[]> {
    const { stdout } = await run(inNamespace(place, ["getent", "ahostsv4", name]), { allow: "any" });
    const lines = stdout.split("\n").filter((line) => line.includes("STREAM"));
    return lines.map((line) => line.split(" ")[0] ?? "");
}

/**
 * Waits until a place is answered exactly these addresses, in any order.
 *
 * @returns how long it took since `since` (milliseconds since 1970), in ms.
 * @throws after `patienceMs`, with the last answer.
 */
export async function untilAnswered(
    place: string,
    name: string,
    expected: string[],
    { since = Date.now(), patienceMs = 60_000 } = {},
): Promise<number> {
    const wanted = [...expected].sort().join(" ");
    for (;;) {
        const heard = (await ask(place, name)).sort().join(" ");
        if (heard === wanted) {
            return Date.now() - since;
        }
        if (Date.now() - since > patienceMs) {
            throw new Error(`${place} is answered ${heard || "nothing"} for ${name}, not ${wanted}`);
        }
        await sleep(100);
    }
}

/** The place of a region's listener. */
export function clientOf(region: string): Promise<string> {
    return ensureClient(region);
}
