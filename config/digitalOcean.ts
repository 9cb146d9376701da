import { z } from "zod";

import { digitalOceanPrices } from "../model/prices";
import { digitalOceanRegions } from "../model/providerRegions";

const digitalOceanSizes = digitalOceanPrices.sizes;

export const digitalOceanRegion = z
    .string()
    .refine((slug) => slug in digitalOceanRegions, {
        error: `use a DigitalOcean region: ${Object.keys(digitalOceanRegions).join(", ")}`,
    })
    .meta({
        title: "DigitalOcean region",
        enum: Object.keys(digitalOceanRegions),
        enumDescriptions: Object.values(digitalOceanRegions).map(({ place }) => place),
    });

export const dropletSize = z
    .string()
    .refine((slug) => slug in digitalOceanSizes, {
        error: `use a droplet size: ${Object.keys(digitalOceanSizes).join(", ")}`,
    })
    .meta({
        title: "Droplet size",
        enum: Object.keys(digitalOceanSizes),
        enumDescriptions: Object.values(digitalOceanSizes).map(
            ({ vcpus, memoryMiB, monthlyUsd }) =>
                `${vcpus} vCPU, ${memoryMiB} MiB of memory, ${monthlyUsd} US dollars a month`,
        ),
    });

export const digitalOceanSchema = z
    .strictObject({
        dropletLimit: z
            .int({ error: "use a whole number of droplets, such as 25" })
            .min(1, "use 1 droplet or more, such as 25")
            .optional()
            .meta({
                description:
                    "How many droplets this stack may have at once: the limit in the account's settings at " +
                    "DigitalOcean, less the account's other droplets. If you leave it out, nothing is compared.",
                unit: "droplets",
                examples: [25],
            }),
    })
    .meta({ description: "The account at DigitalOcean, where Masters, Relays and the playout run." });

/** How many droplets a station has. */
export interface DropletPlan {
    /** While nothing changes. */
    atRest: number;
    /**
     * During a change of all of them: new Masters and Relays stand beside all old ones until everything else has
     * succeeded, since Pulumi deletes replaced resources last, and so does a new monitoring machine. The playout's droplet goes before its successor comes. What
     * an `up` that failed has left, Relays that are no longer in the configuration, and droplets that were left behind, come
     * on top.
     */
    duringChange: number;
}

interface Machines {
    masters: readonly unknown[];
    relays: readonly { count: number }[];
    airtime?: unknown;
    /** `none`, or a droplet. */
    monitoring: unknown;
    digitalOcean: z.output<typeof digitalOceanSchema>;
}

export function planDroplets({ masters, relays, airtime, monitoring }: Machines): DropletPlan {
    const watching = monitoring === "none" ? 0 : 1;
    const createdFirst = masters.length + relays.reduce((sum, { count }) => sum + count, 0) + watching;
    const playout = airtime === undefined ? 0 : 1;
    return { atRest: createdFirst + playout, duringChange: 2 * createdFirst + playout };
}

/** Refuses a station that its account could run, but not change. */
export function refuseBeyondDropletLimit(station: Machines, context: z.core.$RefinementCtx): void {
    const { dropletLimit } = station.digitalOcean;
    const { atRest, duringChange } = planDroplets(station);
    if (dropletLimit !== undefined && duringChange > dropletLimit) {
        context.addIssue({
            code: "custom",
            path: ["digitalOcean", "dropletLimit"],
            input: dropletLimit,
            message:
                `the station has ${atRest} droplets, and up to ${duringChange} during a change; ask ` +
                `DigitalOcean for a limit of ${duringChange} or more, or describe fewer Relays`,
        });
    }
}

/**
 * What a preview says where the account allows a change at rest, but not beside droplets that were left behind: none or one
 * line.
 *
 * @param leftBehind how many there are, also those that are off.
 */
export function describeTooManyDroplets(station: Machines, leftBehind: number): string[] {
    const { duringChange } = planDroplets(station);
    const { dropletLimit } = station.digitalOcean;
    if (dropletLimit === undefined || leftBehind === 0 || duringChange + leftBehind <= dropletLimit) {
        return [];
    }
    return [
        `Droplets: up to ${duringChange} during a change, and ${leftBehind} left behind, are more than the limit of ` +
            `${dropletLimit}: a change of all machines may fail until pulumi up has deleted those that were left behind`,
    ];
}

/** What a preview says of droplets, in one line. */
export function describeDroplets(station: Machines): string {
    const { atRest, duringChange } = planDroplets(station);
    const { dropletLimit } = station.digitalOcean;
    const compared =
        dropletLimit === undefined
            ? "not compared with the account's limit (set aerial:station.digitalOcean.dropletLimit)"
            : `the limit is ${dropletLimit}`;
    return `Droplets: ${atRest} at rest, up to ${duringChange} during a change; ${compared}`;
}
