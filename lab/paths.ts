import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Every name the lab uses on its host: folders, namespaces, cgroups. This is also the only reader of the lab's
 * environment variables:
 *
 * - `AERIAL_LAB`: the lab's folder, `.lab` in the checkout unless set. A second lab (a test's, say) needs only another
 *   folder: all names derive from it.
 * - `AERIAL_CACHE`: where engine, tools and base images are kept, `~/.cache/aerial` unless set.
 * - `AERIAL_LISTEN_PORT`: port on 127.0.0.1 at which the host hears the first channel, 8800 unless set.
 */
const environment = process.env;

/** The checkout this lab runs from. */
export const checkout = resolve(__dirname, "..");

/** Everything this lab makes in the file system. Removed by `down`. */
export const labFolder = resolve(environment.AERIAL_LAB ?? join(checkout, ".lab"));

/** Six hex digits that tell this lab from others on the same host. */
export const labId = shortHash(labFolder, 6);

/** What outlives labs and clones: engine, tools, base images. */
export const cacheFolder = resolve(
    environment.AERIAL_CACHE ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "aerial"),
);

/** Port on 127.0.0.1 at which the host's own player hears the stream. */
export const listenPort = Number(environment.AERIAL_LISTEN_PORT ?? 8800);

/** The folder a person called the lab from; npm changes to the checkout's root, and tells where it came from. */
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

/** The name nspawn knows a machine by: unique on the host, where several labs may run. */
export function nspawnName(id: string): string {
    return `al${labId}-${id}`;
}

/** Where the host mounts the unified cgroup hierarchy: `/sys/fs/cgroup`, or below it on hybrid hosts. */
export function cgroupMount(mounts = readFileSync("/proc/mounts", "utf8")): string {
    for (const line of mounts.split("\n")) {
        const [, target, type] = line.split(" ");
        if (type === "cgroup2" && target) {
            return target;
        }
    }
    throw new Error("This host has no cgroup2 mounted, which the lab's machines need (mount -t cgroup2).");
}

/** The lab's own cgroup. Every process the lab starts is in it or below. */
export function labCgroup(...parts: string[]): string {
    return join(cgroupMount(), `aerial.${labId}`, ...parts);
}

/** The first digits of a text's SHA-256, for names with a length limit. */
export function shortHash(text: string, digits: number): string {
    return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
