import { z } from "zod";

import { airtimeSoftware, libretimeOutputs } from "../model/airtimeSoftware";
import { digitalOceanRegion, dropletSize } from "./digitalOcean";

export const airtimeSchema = z
    .strictObject({
        software: z
            .enum(airtimeSoftware, { error: "use playlist or libretime" })
            .default("playlist")
            .meta({
                description:
                    "The playout software: playlist plays folders by a weekly schedule; libretime is LibreTime 4.5.",
                examples: ["libretime"],
            }),
        region: digitalOceanRegion.meta({
            description: "Where the playout's droplet and its volume are.",
            examples: ["fra1"],
        }),
        size: dropletSize.default("s-2vcpu-2gb").meta({
            description: "Size of the playout's droplet.",
            examples: ["s-2vcpu-4gb"],
        }),
        volumeGiB: z
            .int({ error: "use a whole number of GiB, such as 100" })
            .min(10, "use 10 to 16384 GiB")
            .max(16_384, "use 10 to 16384 GiB")
            .default(100)
            .meta({
                description:
                    "Size of the volume for shows and the database. It can grow later, but never shrink.",
                unit: "GiB",
                examples: [200],
            }),
        channels: z
            .array(z.string())
            .min(1, "name at least one channel, or leave out the key")
            .optional()
            .meta({
                description:
                    "Ids of the channels that the playout plays. If you leave it out, it plays all of them; " +
                    "LibreTime plays the first one.",
                uniqueItems: true,
                examples: [["main"]],
            }),
        source: z
            .string()
            .default("airtime")
            .meta({
                description: "Name of the source that the playout connects as, one of the station's sources.",
                examples: ["airtime"],
            }),
    })
    .meta({
        description: "The playout and its droplet. Leave it out if the station runs its playout elsewhere.",
    });

export type AirtimeConfig = z.output<typeof airtimeSchema>;

/** The parts of a station that `airtime` is checked against. */
interface StationParts {
    channels: readonly { id: string }[];
    sources: readonly { name: string }[];
    masters: readonly { id: string }[];
    airtime?: AirtimeConfig | undefined;
}

/** The channels that Airtime plays. */
export function airtimeChannels({ channels, airtime }: StationParts): string[] {
    const all = channels.map(({ id }) => id);
    return airtime?.channels ?? (airtime?.software === "libretime" ? all.slice(0, 1) : all);
}

/** Airtime plays channels, and is a source, that the station has; LibreTime plays one. */
export function refuseAirtimeMistakes(station: StationParts, context: z.core.$RefinementCtx): void {
    const { airtime } = station;
    if (!airtime) {
        return;
    }
    const refuse = (path: PropertyKey[], input: unknown, message: string): void =>
        context.addIssue({ code: "custom", path: ["airtime", ...path], input, message });
    const sources = station.sources.map(({ name }) => name);
    if (!sources.includes(airtime.source)) {
        refuse(["source"], airtime.source, `use a source of the station: ${sources.join(", ")}`);
    }
    const known = station.channels.map(({ id }) => id);
    airtime.channels?.forEach((id, index, list) => {
        if (!known.includes(id)) {
            refuse(["channels", index], id, `use a channel of the station: ${known.join(", ")}`);
        } else if (list.indexOf(id) < index) {
            refuse(["channels", index], id, "the list has it twice; name each channel once");
        }
    });
    if (airtime.software === "libretime") {
        if (airtimeChannels(station).length > 1) {
            refuse(
                ["channels"],
                airtime.channels,
                "name one channel: LibreTime plays only one; playlist plays several",
            );
        }
        if (station.masters.length > libretimeOutputs) {
            refuse(
                ["software"],
                airtime.software,
                `use playlist: LibreTime pushes to ${libretimeOutputs} Masters at most, and there are ${station.masters.length}`,
            );
        }
    }
}
