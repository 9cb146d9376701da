import type { ChildProcess } from "node:child_process";

import { run } from "../../../lab/workstation/run";
import { clientAddress, regionRange } from "../../../lab/network/addresses";
import { ensureClient, inNetwork } from "../../../lab/network/network";
import { interfaceName } from "../../../lab/network/state";
import { forkAt } from "./child";
import type { CrowdPlan, CrowdReport } from "./crowdMain";

/** How many addresses a region's crowd comes from. */
const addressCount = 1020;

/**
 * Many listeners of a region, each counting bytes, in one process: from a thousand addresses, as those of a city are,
 * so that the Relays' limits by address hold as they are.
 */
export class Crowd {
    private latest: CrowdReport | undefined;
    private failure: Error | undefined;

    private constructor(private readonly child: ChildProcess) {
        child.on("message", (report: CrowdReport) => {
            this.latest = report;
        });
        child.on("exit", (code) => {
            this.failure = new Error(`the crowd's process ended with ${code}`);
        });
    }

    /** Lets them come, a few hundred a second. */
    static async come(region: string, plan: Omit<CrowdPlan, "addresses">): Promise<Crowd> {
        const place = await ensureClient(region);
        const base = await ensureAddresses(region, place);
        const child = forkAt(place, "crowdMain.ts");
        const crowd = new Crowd(child);
        const addresses = Array.from({ length: addressCount }, (_, n) => nth(base, n + 1));
        child.send({ ...plan, addresses } satisfies CrowdPlan);
        return crowd;
    }

    /** What they experience, as of less than half a second ago. */
    report(): CrowdReport {
        if (this.failure || !this.latest) {
            throw this.failure ?? new Error("the crowd has said nothing yet");
        }
        return this.latest;
    }

    /** @throws after `timeoutMs` with what they experienced instead. */
    async waitFor(
        what: string,
        timeoutMs: number,
        condition: (report: CrowdReport) => boolean,
    ): Promise<CrowdReport> {
        const deadline = Date.now() + timeoutMs;
        for (;;) {
            if (this.failure) {
                throw this.failure;
            }
            if (this.latest && condition(this.latest)) {
                return this.latest;
            }
            if (Date.now() > deadline) {
                throw new Error(`${what}: not within ${timeoutMs} ms: ${JSON.stringify(this.latest)}`);
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    }

    /** All leave. */
    leave(): void {
        this.child.removeAllListeners("exit");
        this.child.disconnect();
    }
}

/**
 * Gives a region's client a network of addresses at the end of the region's range, where no machine is. The router's
 * next change of rules takes them away again, so each crowd asks for them anew.
 *
 * @returns the network's base.
 */
async function ensureAddresses(region: string, place: string): Promise<string> {
    const [start = ""] = regionRange(region).split("/");
    const base = nth(start, 12 * 256);
    const range = `${base}/22`;
    const link = interfaceName(place);
    await run(inNetwork(place, ["ip", "route", "replace", "local", range, "dev", "lo"]));
    const via = ["via", clientAddress(region), "dev", link, "onlink"];
    // The client's own address lies in it, and has a route that is more exact.
    await run(inNetwork("router", ["ip", "route", "replace", range, ...via]));
    const rule = ["iifname", link, "ip", "saddr", range, "tcp", "dport", "{ 80, 443 }", "accept"];
    await run(inNetwork("router", ["nft", "insert", "rule", "ip", "aerial", "forward", rule.join(" ")]));
    return base;
}

function nth(base: string, n: number): string {
    const value = base.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) + n;
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
