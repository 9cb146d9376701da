import { readFileSync, writeFileSync } from "node:fs";

import { parse, stringify } from "yaml";

import { stackFile } from "../../../lab/engine/stackFile";
import { labPath } from "../../../lab/paths";

/** What drills change of a station's settings. */
export interface Settings {
    channels: { id: string; title: string; formats?: { codec: string; bitrateKbps: number }[] }[];
    silence: { afterSeconds: number };
    masters: { size: string }[];
    relays: { region: string; count: number; size?: string }[];
    edge?: { connectionsPerAddress: number };
    rollout: { drainLimitSeconds: number; waitLimitSeconds?: number };
    rotation?: { linkPassword?: number; authority?: number };
}

/**
 * Writes a stack file.
 *
 * @param from the stack file whose settings are changed; the lab's present one unless given.
 * @returns its path.
 */
export function changedSettings(
    name: string,
    change: (settings: Settings) => void,
    from = stackFile(),
): string {
    const settings = parse(readFileSync(from, "utf8")) as {
        config: { "aerial:station": Settings };
    };
    change(settings.config["aerial:station"]);
    const file = labPath(`${name}.yaml`);
    writeFileSync(file, stringify(settings));
    return file;
}
