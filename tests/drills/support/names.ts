import { setTimeout as sleep } from "node:timers/promises";

import { issuingRoots } from "../../../lab/acme";
import { run } from "../../../lab/workstation/run";
import { ensureClient, inNamespace } from "../../../lab/network/network";
import { limits } from "./limits";

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

/** A TLS connection by openssl, which trusts the lab's public authority alone: its exit code, and all that it said. */
export async function openssl(
    place: string,
    { address, name }: { address: string; name: string },
    ...options: string[]
): Promise<{ code: number; said: string }> {
    const argv = ["timeout", "8", "openssl", "s_client", "-connect", `${address}:443`, "-servername", name];
    const trust = ["-CAfile", issuingRoots, "-no-CApath", "-no-CAstore", "-verify_hostname", name];
    const { code, stdout, stderr } = await run(
        inNamespace(place, [...argv, ...trust, "-verify_return_error", ...options]),
        { allow: "any" },
    );
    return { code, said: stdout + stderr };
}

/** Whether an address shows a certificate for a name that a client believes which trusts that authority alone. */
export async function certified(place: string, address: string, name: string): Promise<boolean> {
    return (await openssl(place, { address, name })).code === 0;
}

/** Waits until an address shows the station's public certificate for a name. @throws after 2 minutes. */
export async function untilCertified(region: string, address: string, name: string): Promise<void> {
    const place = await clientOf(region);
    const deadline = Date.now() + 2 * limits.certificate;
    while (!(await certified(place, address, name))) {
        if (Date.now() > deadline) {
            throw new Error(`${address} does not show the public certificate for ${name}`);
        }
        await sleep(500);
    }
}

/** The place of a region's listener. */
export function clientOf(region: string): Promise<string> {
    return ensureClient(region);
}
