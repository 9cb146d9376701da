import { command, each, jsonFile, program, pythonModule, unit } from "../machine/files";
import type { MachineFile } from "../machine/role";
import { readTemplate } from "../machine/template";

/** Emergency shows that a Master keeps on its disk. */
export interface EmergencyShowsPlan {
    /** The station's bucket of shows. */
    bucket: string;
    /** Amazon's region of the bucket, for example `eu-central-1`. */
    region: string;
    /** What the shows of one channel may take on the disk, in MiB. */
    limitMiB: number;
    /** Minutes between two looks for newer shows; 10 unless given. */
    everyMinutes?: number | undefined;
}

/** What emergency shows add to a Master's role. */
export interface EmergencyShowsRole {
    packages: string[];
    files: MachineFile[];
    units: string[];
}

/** Names of the key that reads the bucket of shows. */
export const showsReader = { id: "shows.reader.id", secret: "shows.reader.secret" } as const;

/** A gigabyte in less than four minutes, at a fiftieth of a droplet's line. */
const bytesPerSecond = 5_000_000;

/**
 * What keeps a Master's emergency shows up to date; nothing where the station has no backup to take them from.
 *
 * @throws when the bucket, the region or a figure cannot be meant.
 */
export function emergencyShowsRole(
    plan: EmergencyShowsPlan | undefined,
    channels: readonly string[],
): EmergencyShowsRole {
    if (plan === undefined) {
        return { packages: [], files: [], units: [] };
    }
    refuseUnusable(plan);
    const known = {
        bucket: plan.bucket,
        region: plan.region,
        limitBytes: plan.limitMiB * 2 ** 20,
        bytesPerSecond,
        channels,
    };
    return {
        packages: ["python3-boto3"],
        units: ["aerial-emergency.timer"],
        files: [
            command("master/emergency/aerial-emergency.py"),
            ...each("master/emergency", ["emergency_shows.py", "emergency_audio.py"], pythonModule),
            pythonModule("machine/python/audio.py"),
            program("master/emergency/intact.sh"),
            unit("master/emergency/aerial-emergency.service"),
            unit("master/emergency/aerial-emergency.timer.eta", { everyMinutes: plan.everyMinutes ?? 10 }),
            jsonFile("/etc/aerial/emergency.json", known),
            {
                path: "/etc/aerial/emergency/credentials",
                secretFormat: "raw",
                content: readTemplate("master/emergency/credentials.ini"),
                owner: "root:root",
                mode: "0600",
            },
        ],
    };
}

function refuseUnusable(plan: EmergencyShowsPlan): void {
    const whole = (value: number) => Number.isInteger(value) && value > 0;
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(plan.bucket)) {
        throw new Error(`"${plan.bucket}" is not the name of a bucket`);
    }
    if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(plan.region)) {
        throw new Error(`"${plan.region}" is not a region of Amazon, such as eu-central-1`);
    }
    if (!whole(plan.limitMiB) || !whole(plan.everyMinutes ?? 1)) {
        throw new Error(
            `emergency shows take whole MiB and minutes above 0, not ${plan.limitMiB} and ${plan.everyMinutes}`,
        );
    }
}
