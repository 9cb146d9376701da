import { isIP } from "node:net";

import { libretimeOutputs, type AirtimeSoftware } from "../../model/airtimeSoftware";
import type { ChannelPlan } from "../../model/channels";
import { isIdentifier } from "../../model/identifier";

/** Somewhere that the playout pushes to. */
export interface AirtimeMaster {
    /** `a`, `b`, … */
    id: string;
    /** Address that stays the Master's through replacements. */
    host: string;
    /** Plain port of its Icecast. */
    port: number;
}

/** All that Airtime's machine is told by its user data. */
export interface AirtimePlan {
    software: AirtimeSoftware;
    stationName: string;
    channels: ChannelPlan[];
    /** The source it is on the Masters: the end of its mounts, and its user there. */
    sourceName: string;
    masters: AirtimeMaster[];
    /** Name of the volume, from which its place on the machine follows. */
    volumeName: string;
    /** Of schedules, a key of the IANA database such as `Europe/Berlin`. */
    timeZone: string;
    /** Where shows, database and settings are kept safe; absent where nothing is. */
    backup?: { region: string; showsBucket: string; archiveBucket: string; recipient: string };
}

/** Where DigitalOcean mounts a volume that it has formatted. */
export function volumeFolder(volumeName: string): string {
    return `/mnt/${volumeName.replaceAll("-", "_")}`;
}

/** The folder of a channel's shows, which the backup protects; the playout's database names shows from its last part on. */
export function libraryFolder(plan: Pick<AirtimePlan, "software" | "volumeName">, channel: string): string {
    const volume = volumeFolder(plan.volumeName);
    return plan.software === "libretime"
        ? `${volume}/libretime/storage/imported`
        : `${volume}/library/${channel}`;
}

/**
 * Refuses what could not become paths, mounts and units, and what the software cannot do.
 *
 * @throws with what would be right.
 */
export function refuseUnusablePlan(plan: AirtimePlan): void {
    const names = [
        ...plan.channels.map(({ id }) => id),
        ...plan.masters.map(({ id }) => id),
        plan.sourceName,
    ];
    const bad = names.find((name) => !isIdentifier(name));
    if (bad !== undefined) {
        throw new Error(
            `${JSON.stringify(bad)} is not an identifier: use lower-case letters, digits and hyphens`,
        );
    }
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(plan.volumeName)) {
        throw new Error(`${JSON.stringify(plan.volumeName)} cannot be a volume's name`);
    }
    if (!/^[A-Za-z0-9_+/-]+$/.test(plan.timeZone)) {
        throw new Error(`${JSON.stringify(plan.timeZone)} is not a time zone: use one such as Europe/Berlin`);
    }
    if (plan.masters.length === 0 || plan.channels.length === 0) {
        throw new Error("Airtime needs a channel to play, and a Master to push to");
    }
    const nowhere = plan.masters.find(
        ({ host }) => isIP(host) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host),
    );
    if (nowhere) {
        throw new Error(`${JSON.stringify(nowhere.host)} is not the address of Master ${nowhere.id}`);
    }
    if (plan.software === "libretime" && plan.channels.length > 1) {
        throw new Error("LibreTime plays one channel: name one, or use the software playlist");
    }
    if (plan.software === "libretime" && plan.masters.length > libretimeOutputs) {
        throw new Error(`LibreTime pushes to ${libretimeOutputs} Masters at most: use the software playlist`);
    }
}
