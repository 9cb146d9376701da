import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { z } from "zod";

import { inNamespace } from "../../lab/network/network";
import { cacheFolder, checkout, labCgroup } from "../../lab/paths";
import { inCgroup } from "../../lab/workstation/cgroups";

/** A stream, and where listeners to it are. */
export interface Audience {
    /** Namespace of the lab that they are in. */
    place: string;
    url: string;
    /** `host:port` to connect to, unless the URL's. */
    address?: string;
    /** PEM file with the only roots that https trusts. */
    ca?: string;
    /** Network whose addresses they come from in turn. */
    from?: string;
}

const failures = z.record(z.string(), z.number());

const firstBytes = z.object({ answerMs: z.array(z.number()), audioMs: z.array(z.number()), failures });
const heldListeners = z.object({ playing: z.number(), lost: z.number(), failures, processor: z.number() });
const herdResult = z.object({
    waitedMs: z.array(z.number()),
    failures,
    failuresBefore: failures,
    lostBefore: z.number(),
    processor: z.number(),
});

/** What listeners waited for, who came one after the other, in ms from the lookup of the name on. */
export type FirstBytes = z.infer<typeof firstBytes>;
/** What became of listeners who stayed. `processor` is the client's own share of one processor. */
export type HeldListeners = z.infer<typeof heldListeners>;
/** How long each of a herd waited, sorted. Failures are tries without audio, by their reason. */
export type Herd = z.infer<typeof herdResult>;

/** `tries` listeners one after the other. */
export async function playFirst(audience: Audience, tries: number): Promise<FirstBytes> {
    const [line] = await load("first", audience, ["-tries", String(tries)], 60 + tries * 3);
    return firstBytes.parse(line);
}

/** Listeners who stay; `whilePlaying` runs when all of them play, and has to end within `seconds`. */
export async function holdListeners(
    audience: Audience,
    { count, seconds }: { count: number; seconds: number },
    whilePlaying: () => Promise<void>,
): Promise<HeldListeners> {
    const options = ["-count", String(count), "-seconds", String(seconds)];
    const lines = await load("hold", audience, options, 90 + seconds, whilePlaying);
    return heldListeners.parse(lines.at(-1));
}

/** Listeners who play, and then all connect anew at once. */
export async function startleHerd(audience: Audience, count: number): Promise<Herd> {
    const [line] = await load("herd", audience, ["-count", String(count), "-seconds", "3"], 150);
    return herdResult.parse(line);
}

/** The program, as `tools/setup load` builds it: another one for each state of its sources. */
function program(): string {
    const folder = join(checkout, "tools/load");
    const hash = createHash("sha256");
    for (const name of readdirSync(folder).sort()) {
        hash.update(readFileSync(join(folder, name)));
    }
    const path = join(cacheFolder, `load-${hash.digest("hex").slice(0, 12)}`, "bin/load");
    if (!existsSync(path)) {
        throw new Error("the load client is not built, or not anew after a change: tools/setup load");
    }
    return path;
}

/** Runs the load client, in the lab's cgroup, so that `down` ends it. It ends by itself after `limitSeconds`. */
async function load(
    mode: string,
    { place, url, address, ca, from }: Audience,
    options: readonly string[],
    limitSeconds: number,
    onFirstLine: () => Promise<void> = () => Promise.resolve(),
): Promise<unknown[]> {
    const argv = [
        ...[program(), mode, "-url", url, "-limit", String(limitSeconds)],
        ...(address === undefined ? [] : ["-address", address]),
        ...(ca === undefined ? [] : ["-ca", ca]),
        ...(from === undefined ? [] : ["-from", from]),
        ...options,
    ];
    const [name = "", ...rest] = inCgroup(labCgroup("listeners"), inNamespace(place, argv));
    const child = spawn(name, rest, { stdio: ["ignore", "pipe", "pipe"] });
    const lines: unknown[] = [];
    let beside: Promise<void> | undefined;
    let errors = "";
    child.stderr.on("data", (text: Buffer) => (errors += text.toString("utf8")));
    createInterface({ input: child.stdout }).on("line", (line) => {
        lines.push(JSON.parse(line));
        beside ??= onFirstLine();
        // It is awaited below, and may fail before.
        beside.catch(() => child.kill());
    });
    const code = await new Promise<number | null>((ended, failed) => {
        child.once("error", failed);
        child.once("close", ended);
    });
    await beside;
    if (code !== 0) {
        throw new Error(`load ${mode} ${url}: ${errors.trim() || `ended with ${code}`}`);
    }
    return lines;
}
