import type { ChannelPlan } from "../../model/channels";
import { earsMemoryMiB } from "../../model/ears";
import type { MonitoredMachine } from "../../model/monitoring";
import type { StationNames } from "../../model/stationNames";
import { command, each, jsonFile, program, programFolder, pythonModule, unit } from "../machine/files";
import type { MachineRole } from "../machine/role";

/** What the Ears listen to: every public mount, by the name of each region. */
export interface EarsPlan {
    names: Pick<StationNames, "stream" | "regions">;
    channels: readonly ChannelPlan[];
    /** Level below which sound is silence, in dB: that of the Masters. */
    silenceDb: number;
    /** For how long DNS may differ from the Relays' health, in seconds. */
    dnsSeconds: number;
}

const configuration = "/etc/aerial/ears/ears.json";
const modules = [
    "decoder",
    "listener",
    "metrics",
    "names",
    "playing",
    "requests",
    "ring",
    "settings",
    "sound",
    "titles",
];

/**
 * The Ears on the monitoring machine, and `aerial-clip`, which cuts what they have heard.
 * Each stream also costs the Relays its transfer: at 192 kbit/s, 65 GB in a month.
 *
 * @throws when there is nothing to listen to.
 */
export function earsRole(plan: EarsPlan, machines: Record<string, MonitoredMachine>): MachineRole {
    const mounts = plan.channels.flatMap(({ id, formats }) =>
        formats.map(({ mount, codec }) => ({ channel: id, path: mount, codec })),
    );
    const regions = Object.entries(plan.names.regions).map(([region, name]) => ({
        region,
        name,
        relays: relaysOf(region, machines),
    }));
    if (mounts.length === 0 || regions.length === 0) {
        throw new Error("the Ears have nothing to listen to: there is no mount, or no region with Relays");
    }
    return {
        packages: ["ca-certificates", "ffmpeg", "python3"],
        files: [
            jsonFile(configuration, {
                ...{ stream: plan.names.stream, port: 443, healthPort: 80 },
                ...{ silenceDb: plan.silenceDb, dnsSeconds: plan.dnsSeconds, mounts, regions },
            }),
            program("monitoring/ears/aerial-ears.py"),
            command("monitoring/ears/aerial-clip.py"),
            ...modules.map((name) => pythonModule(`monitoring/ears/ears/${name}.py`, "ears")),
            ...each("relay/feed/feed", ["frames.py", "icy.py", "problem.py"], (template) =>
                pythonModule(template, "feed"),
            ),
            unit("monitoring/ears/aerial-ears.service.eta", {
                // Twice what they take: they are to be ended only if their memory grows.
                mebibytes: 2 * earsMemoryMiB(mounts.length * regions.length),
            }),
        ],
        units: ["aerial-ears.service"],
        services: [
            {
                unit: "aerial-ears.service",
                reads: [
                    configuration,
                    ...["aerial-ears", "ears/", "feed/"].map((path) => `${programFolder}/${path}`),
                ],
                onChange: "restart",
                packages: ["ffmpeg"],
            },
        ],
        maskedUnits: [],
    };
}

/** Addresses of a region's Relays, by machine. */
function relaysOf(region: string, machines: Record<string, MonitoredMachine>): Record<string, string> {
    return Object.fromEntries(
        Object.entries(machines)
            .filter(([, machine]) => machine.role === "relay" && machine.region === region)
            .map(([name, { address }]) => [name, address]),
    );
}
