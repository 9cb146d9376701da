import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Every name that the lab uses on its workstation: folders, namespaces, cgroups. Only this file reads the lab's
 * environment variables:
 *
 * - `AERIAL_LAB`: the lab's folder; default `.lab` in the checkout. A second lab, such as a test's, only needs another
 *   folder: all names follow from it.
 * - `AERIAL_CACHE`: the folder of engine, tools and base images; default `~/.cache/aerial`.
 * - `AERIAL_LISTEN_PORT`: port on 127.0.0.1 at which players of the workstation hear the station; default 8800.
 */
const environment = process.env;

/** The checkout this lab runs from. */
export const checkout = resolve(__dirname, "..");

/** Everything this lab makes in the file system. Removed by `down`. */
export const labFolder = resolve(environment.AERIAL_LAB ?? join(checkout, ".lab"));

/** Six hex digits, different for each lab on the workstation. */
export const labId = shortHash(labFolder, 6);

/** The folder that labs and clones share: engine, tools, base images. */
export const cacheFolder = resolve(
    environment.AERIAL_CACHE ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "aerial"),
);

/** Port on 127.0.0.1 at which players of the workstation hear the station. */
export const listenPort = Number(environment.AERIAL_LISTEN_PORT ?? 8800);

/** The folder from which the lab was called. npm changes to the checkout's root and leaves it in INIT_CWD. */
export const callerFolder = environment.INIT_CWD ?? process.cwd();

/** A path inside the lab's folder. */
export function labPath(...parts: string[]): string {
    return join(labFolder, ...parts);
}

/** Everything of one machine: `machine.json`, `console.log`, `upper`, `work`, `root`. */
export function machineFolder(id: string): string {
    return labPath("machines", id);
}

/** The lab cloud's records, one file a resource. */
export function cloudFolder(kind: string): string {
    return labPath("cloud", kind);
}

/** All network namespaces of this lab start with this. */
export const namespacePrefix = `al${labId}-`;

/** Name of a network namespace, as `ip netns` knows it. `name` is `router`, `operator`, `client-ams3`, `m-<id>`, … */
export function namespaceName(name: string): string {
    return namespacePrefix + name;
}

/** Path of a network namespace, for `nsenter --net=`. */
export function namespacePath(name: string): string {
    return join("/run/netns", namespaceName(name));
}

/** Name of a machine's network namespace, without the lab's prefix. */
export function machineNamespace(id: string): string {
    return `m-${id}`;
}

/** A machine's name for systemd-nspawn, unique on a workstation with several labs. */
export function nspawnName(id: string): string {
    return `al${labId}-${id}`;
}

/** Where the workstation mounts the unified cgroup hierarchy: `/sys/fs/cgroup`, or a folder below it (hybrid). */
export function cgroupMount(mounts = readFileSync("/proc/mounts", "utf8")): string {
    for (const line of mounts.split("\n")) {
        const [, target, type] = line.split(" ");
        if (type === "cgroup2" && target) {
            return target;
        }
    }
    throw new Error(
        "This workstation has no cgroup2 mounted, which the lab's machines need (mount -t cgroup2).",
    );
}

/** The lab's own cgroup. Every process the lab starts is in it or below. */
export function labCgroup(...parts: string[]): string {
    return join(cgroupMount(), `aerial.${labId}`, ...parts);
}

/** The first digits of a text's SHA-256, for names with a length limit. */
export function shortHash(text: string, digits: number): string {
    return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
