import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { run } from "../workstation/run";
import { cacheFolder } from "../paths";

/** The engine's version that the project needs: the same as the SDK's in package.json and in tools/pulumi/go.mod. */
export const engineVersion = "3.259.0";

/** True when a version such as `v3.260.1` is at least the pinned one. */
function isNewEnough(version: string, least = engineVersion): boolean {
    const parts = (text: string): number[] => text.replace(/^v/, "").split(/[.+-]/).slice(0, 3).map(Number);
    const [given, wanted] = [parts(version), parts(least)];
    const differing = wanted.findIndex((part, index) => given[index] !== part);
    return differing < 0 || (given[differing] ?? 0) > (wanted[differing] ?? 0);
}

async function isUsable(file: string): Promise<boolean> {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const version = await run([file, "version"], { env, allow: "any" }).catch(() => undefined);
    return version !== undefined && isNewEnough(version.stdout.trim());
}

/**
 * The engine's program: a `pulumi` on PATH that is new enough, or the one that `tools/setup engine` put into the cache.
 *
 * @throws when there is none; the message says how to get it.
 */
export async function enginePath(): Promise<string> {
    const cached = join(cacheFolder, `engine-v${engineVersion}`, "bin", "pulumi");
    const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "pulumi"));
    for (const file of [...onPath, cached]) {
        // The Automation API asks for the folder above `bin`.
        if (dirname(file).endsWith("/bin") && existsSync(file) && (await isUsable(file))) {
            return file;
        }
    }
    throw new Error(`there is no Pulumi engine of at least v${engineVersion}; get it by: tools/setup engine`);
}
