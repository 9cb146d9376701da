import { cpus, loadavg, release, totalmem } from "node:os";

import { checkout } from "../../lab/paths";
import { run } from "../../lab/workstation/run";
import type { Station } from "../station/station";
import type { Circumstances } from "./results";

/** The packages whose versions belong to the figures, and where they are. */
const programs = { relay: ["icecast2", "nginx"], master: ["liquidsoap"] };

/** Says where and when this is. */
export async function circumstances(station: Station): Promise<Circumstances> {
    const git = async (...options: string[]): Promise<string> => {
        // The checkout may belong to somebody else than root, who runs this.
        const argv = ["git", "-c", `safe.directory=${checkout}`, "-C", checkout, ...options];
        return (await run(argv, { allow: "any" })).stdout.trim();
    };
    const commit = (await git("rev-parse", "--short", "HEAD")) || "unknown";
    const changed = (await git("status", "--porcelain", "--untracked-files=no", "--", ":!docs")) !== "";
    const versions = await Promise.all([
        versionsAt(station, station.relays[0]?.name ?? "", programs.relay),
        versionsAt(station, station.masters[0] ?? "", programs.master),
    ]);
    return {
        at: new Date().toISOString(),
        commit: commit + (changed ? "+" : ""),
        processor: cpus()[0]?.model.trim() ?? "unknown",
        processors: cpus().length,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        kernel: release(),
        loadBefore: loadavg()[0] ?? 0,
        versions: Object.fromEntries(versions.flatMap((some) => Object.entries(some))),
    };
}

async function versionsAt(
    station: Station,
    machine: string,
    packages: readonly string[],
): Promise<Record<string, string>> {
    const told = await station.at(machine, ["dpkg-query", "--show", ...packages]);
    return Object.fromEntries(
        told
            .trim()
            .split("\n")
            .map((line) => line.split("\t"))
            .map(([name = "", version = ""]) => [name, version]),
    );
}
