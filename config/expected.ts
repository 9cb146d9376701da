import { z } from "zod";

import type { StreamFormat } from "../model/channels";
import { leastRelays, planLosses, planPools, capacityOf, peakOf } from "../model/plan/relays";
import type { ChosenFormat, StationToPlan } from "../model/plan/station";
import { describeShortages } from "../model/plan/text";
import { digitalOceanPrices } from "../model/prices";
import { digitalOceanRegion } from "./digitalOcean";
import { mountOf } from "./mounts";

const wholeNumber = (what: string, least: number, most: number) => {
    const message = `use a whole number of ${what}, ${least} to ${most}`;
    return z.int({ error: message }).min(least, message).max(most, message);
};

const regionListeners = z.strictObject({
    region: digitalOceanRegion.meta({
        description: "A region with Relays, the one nearest to these listeners. Each region once.",
        examples: ["ams3"],
    }),
    peak: wholeNumber("listeners", 0, 10_000_000).meta({
        description: "Listeners at the busiest moment. How many Relays there must be follows from it.",
        unit: "listeners",
        examples: [900],
    }),
    average: wholeNumber("listeners", 0, 10_000_000).meta({
        description:
            "Listeners on average, over the hours of expected.hoursPerDay. What is sent, and so its cost, follows from it.",
        unit: "listeners",
        examples: [250],
    }),
});

export const expectedSchema = z
    .strictObject({
        listeners: z
            .array(regionListeners)
            .min(1, "name at least one region, such as { region: ams3, peak: 900, average: 250 }")
            .optional()
            .meta({
                description:
                    "How many listen, by region. If you leave it out, the plan has the cost of what is configured, " +
                    "without what listeners hear, and every region must have its number of Relays.",
            }),
        growthPercent: wholeNumber("per cent", 0, 10_000)
            .default(0)
            .meta({
                description: "How many more listeners to plan for than expected.listeners says.",
                unit: "per cent",
                examples: [25],
            }),
        hoursPerDay: z
            .number({ error: "use a number of hours, such as 24" })
            .positive("use a number above 0, up to 24")
            .max(24, "use a number above 0, up to 24")
            .default(24)
            .meta({
                description: "Hours a day in which there are listeners.",
                unit: "hours",
                examples: [18],
            }),
        formatShares: z
            .record(
                z.string(),
                z.number({ error: "use a number, such as 60" }).min(0, "use 0 or more, such as 60"),
            )
            .optional()
            .meta({
                description:
                    "How listeners choose between mounts: numbers whose ratio counts, such as per cent. A mount that is " +
                    "not named has no listeners. If you leave it out, each mount has as many.",
                examples: [{ "main.mp3": 60, "main.aac": 40 }],
            }),
        groupHours: z
            .number({ error: "use a number of hours, such as 0.5" })
            .min(0, "use 0 to 744 hours")
            .max(744, "use 0 to 744 hours")
            .default(0.5)
            .meta({
                description:
                    "Hours a month in which the whole group of the canary runs, because the droplets cannot serve.",
                unit: "hours",
                examples: [3],
            }),
        showsGiB: wholeNumber("GiB", 0, 1_000_000)
            .optional()
            .meta({
                description:
                    "Size of all shows in the backup. If you leave it out, it is the size of the playout's volume.",
                unit: "GiB",
                examples: [60],
            }),
        acceptLossOf: z
            .array(digitalOceanRegion)
            .default([])
            .meta({
                description:
                    "Regions whose loss the others need not carry: some listeners then hear nothing until the region is " +
                    "back, or the canary's group has grown. Without this, such a station is refused.",
                examples: [["ams3"]],
            }),
    })
    .meta({
        description:
            "What the station expects. The plan follows from it: Relays, transfer and the cost of a month (docs/plan.md).",
    });

export type ExpectedConfig = z.output<typeof expectedSchema>;

interface Channel {
    id: string;
    mount?: string | undefined;
    formats: readonly { codec: StreamFormat["codec"]; bitrateKbps: number }[];
}

interface Pool {
    region: string;
    size: string;
    count?: number | undefined;
    upstreamRegions: readonly string[];
}

/** The parts of a station that decide about Relays. */
interface StationParts<P extends Pool> {
    channels: readonly Channel[];
    relays: readonly P[];
    expected: ExpectedConfig;
}

/** What of the plan decides about Relays: formats, pools, listeners with their growth. */
export function relaysToPlan<P extends Pool>({
    channels,
    relays,
    expected,
}: StationParts<P>): Pick<StationToPlan, "formats" | "pools" | "listeners" | "acceptLossOf"> {
    const growth = 1 + expected.growthPercent / 100;
    return {
        formats: chosenFormats(channels, expected.formatShares),
        pools: relays.map(({ region, size, count, upstreamRegions }) => ({
            region,
            size,
            ...(count !== undefined && { count }),
            upstreamRegions,
        })),
        ...(expected.listeners && {
            listeners: expected.listeners.map(({ region, peak, average }) => ({
                region,
                peak: Math.ceil(peak * growth),
                average: average * growth,
            })),
        }),
        acceptLossOf: expected.acceptLossOf,
    };
}

function chosenFormats(channels: readonly Channel[], shares: ExpectedConfig["formatShares"]): ChosenFormat[] {
    const mounts = channels.flatMap((channel) =>
        channel.formats.map(({ codec, bitrateKbps }) => ({ mount: mountOf(channel, codec), bitrateKbps })),
    );
    const shareOf = (mount: string): number => (shares ? (shares[mount.slice(1)] ?? 0) : 1);
    const all = mounts.reduce((sum, { mount }) => sum + shareOf(mount), 0);
    return mounts.map((format) => ({ ...format, part: all > 0 ? shareOf(format.mount) / all : 0 }));
}

/** The station with a number of Relays in each region: as configured, or the planner's. */
export function withRelayCounts<P extends Pool, S extends StationParts<P>>(
    station: S & StationParts<P>,
): Omit<S, "relays"> & { relays: (Omit<P, "count"> & { count: number })[] } {
    // An unknown size has been named by the schema, which goes on all the same.
    const isKnown = station.relays.every(({ size }) => size in digitalOceanPrices.sizes);
    const planned = isKnown && station.expected.listeners ? planPools(relaysToPlan(station)) : [];
    return {
        ...station,
        relays: station.relays.map((pool, index) => ({
            ...pool,
            count: pool.count ?? planned[index]?.count ?? leastRelays,
        })),
    };
}

/** Adds a mistake for everything in `expected` that does not fit the station, and for a region that may not be lost. */
export function refuseExpectedMistakes<P extends Pool>(
    station: StationParts<P>,
    context: z.core.$RefinementCtx,
): void {
    const { relays, expected, channels } = station;
    const refuse = (path: PropertyKey[], input: unknown, message: string): void =>
        context.addIssue({ code: "custom", path, input, message });
    const regions = relays.map(({ region }) => region);
    const known = `use a region with Relays: ${regions.join(", ")}`;
    expected.listeners?.forEach(({ region, peak, average }, index, list) => {
        const at = (key: string) => ["expected", "listeners", index, key];
        if (!regions.includes(region)) {
            refuse(at("region"), region, known);
        } else if (list.findIndex((other) => other.region === region) < index) {
            refuse(at("region"), region, "the list has it twice; name each region once");
        }
        if (average > peak) {
            refuse(at("average"), average, `the peak is ${peak}; use at most that`);
        }
    });
    expected.acceptLossOf.forEach((region, index) => {
        if (!regions.includes(region)) {
            refuse(["expected", "acceptLossOf", index], region, known);
        }
    });
    const shares = Object.entries(expected.formatShares ?? { all: 1 });
    const mounts = channels.flatMap((channel) =>
        channel.formats.map(({ codec }) => mountOf(channel, codec).slice(1)),
    );
    for (const [mount, share] of expected.formatShares ? shares : []) {
        if (!mounts.includes(mount)) {
            refuse(
                ["expected", "formatShares", mount],
                share,
                `there is no such mount; use ${mounts.join(", ")}`,
            );
        }
    }
    if (shares.every(([, share]) => share === 0)) {
        refuse(["expected", "formatShares"], expected.formatShares, "give one mount more than 0");
    }
    if (expected.listeners === undefined) {
        relays.forEach(({ count }, index) => {
            if (count === undefined) {
                refuse(
                    ["relays", index, "count"],
                    count,
                    "use a whole number of Relays, such as 2, or describe expected.listeners, from which it follows",
                );
            }
        });
        return;
    }
    refuseShortages(station, refuse);
}

function refuseShortages<P extends Pool>(
    station: StationParts<P>,
    refuse: (path: PropertyKey[], input: unknown, message: string) => void,
): void {
    const { relays, expected } = station;
    if (!relays.every(({ size }) => size in digitalOceanPrices.sizes)) {
        return;
    }
    const toPlan = relaysToPlan(station);
    const pools = planPools(toPlan);
    const shortages = describeShortages({
        pools,
        peak: peakOf(pools),
        capacity: capacityOf(pools),
        losses: planLosses(pools, toPlan.acceptLossOf),
    });
    const advised = pools.map(({ region, advised: count }) => `${region} ${count}`).join(", ");
    const remedy =
        relays.length === 1
            ? "describe Relays in a second region"
            : `use these numbers of Relays: ${advised}, or leave out relays[].count`;
    for (const { region, words } of shortages) {
        refuse(
            ["expected", region === undefined ? "listeners" : "acceptLossOf"],
            region === undefined ? expected.listeners : expected.acceptLossOf,
            region === undefined
                ? `${words}; ${remedy}`
                : `${words}; ${remedy}, or accept it: acceptLossOf: [${[...expected.acceptLossOf, region].join(", ")}]`,
        );
    }
}
