import { z } from "zod";

import { nearestTo } from "../model/geography";
import { recordedFormat } from "../model/recordings";
import type { StationToPlan } from "../model/plan/station";
import { airtimeChannels } from "./airtime";
import { planCanary } from "./canary";
import { refuseBeyondDropletLimit } from "./digitalOcean";
import { refuseBeyondPlan } from "./dns";
import { relaysToPlan } from "./expected";
import type { Station } from "./schema";
import { placeOf } from "./stationPlan";

/** A station as its plan sees it. */
export function stationToPlan(station: Station): StationToPlan {
    const { airtime, aws, backup, expected, recordings, relays } = station;
    return {
        ...relaysToPlan(station),
        channels: station.channels.length,
        sources: station.sources.length,
        masters: station.masters.map(({ size }) => size),
        hoursPerDay: expected.hoursPerDay,
        ...(airtime && {
            playout: {
                size: airtime.size,
                volumeGiB: airtime.volumeGiB,
                channels: airtimeChannels(station).length,
            },
        }),
        ...(station.monitoring !== "none" && { monitoring: { size: station.monitoring.size } }),
        ...canaryToPlan(station, relays),
        ...(backup !== "none" &&
            aws && {
                backup: {
                    ...backup,
                    region: aws.region,
                    showsGiB: expected.showsGiB ?? airtime?.volumeGiB ?? 0,
                },
            }),
        ...(recordings !== "none" &&
            aws && {
                recordings: {
                    region: aws.region,
                    days: recordings.days,
                    bitratesKbps: station.channels.map(
                        ({ formats }) => recordedFormat(formats, recordings.codec).bitrateKbps,
                    ),
                },
            }),
        dns: { service: "cloudflare", plan: station.dns.plan },
    };
}

function canaryToPlan(
    station: Station,
    relays: Station["relays"],
): Pick<StationToPlan, "canary"> | undefined {
    const canary = planCanary(station);
    if (!canary) {
        return undefined;
    }
    const nearest = nearestTo(
        canary.place,
        relays.map(({ region }) => ({ region, place: placeOf(region) })),
    );
    return {
        canary: {
            ...canary,
            nearestRegion: nearest?.region ?? "",
            groupHours: station.expected.groupHours,
            budgetUsd: canary.budget.monthlyUsd,
        },
    };
}

/**
 * What the station's accounts would refuse, were there these numbers of Relays: droplets, and what Cloudflare's plan allows.
 *
 * @param counts in the order of `relays`.
 */
export function beyondLimits(station: Station, counts: readonly number[]): string[] {
    const relays = station.relays.map((pool, index) => ({ ...pool, count: counts[index] ?? pool.count }));
    const check = z.unknown().superRefine((_, context) => {
        refuseBeyondDropletLimit({ ...station, relays }, context);
        refuseBeyondPlan({ ...station, relays }, context);
    });
    return (check.safeParse(undefined).error?.issues ?? []).map(({ message }) => message);
}
