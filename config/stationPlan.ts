import type { ChannelPlan, StreamFormat } from "../model/channels";
import type { Place } from "../model/geography";
import type { HealthCheck } from "../model/healthCheck";
import { digitalOceanRegions } from "../model/providerRegions";
import { listenerLimit } from "./capacity";
import { checkIntervalSeconds } from "./dns";
import type { Station } from "./schema";

/** A region's Relays, with all that follows from the configuration worked out. */
export interface RelayPoolPlan {
    region: string;
    place: Place;
    count: number;
    size: string;
    /** Listeners at which one Relay is full. */
    listenerLimit: number;
    /** Regions of the tier above; empty where these Relays pull from the Masters. */
    upstreamRegions: string[];
    /** Whether a tier below pulls from these Relays. */
    feedsTierBelow: boolean;
}

const contentTypes: Record<StreamFormat["codec"], StreamFormat["contentType"]> = {
    mp3: "audio/mpeg",
    aac: "audio/aac",
};

/** The channels with the mounts listeners use: `/main.mp3`. */
export function planChannels(station: Station): ChannelPlan[] {
    return station.channels.map(({ id, title, mount, formats }) => ({
        id,
        title,
        formats: formats.map(({ codec, bitrateKbps }) => ({
            codec,
            bitrateKbps,
            mount: `/${mount ?? id}.${codec}`,
            contentType: contentTypes[codec],
        })),
    }));
}

export function planRelayPools(station: Station): RelayPoolPlan[] {
    return station.relays.map(({ region, count, size, upstreamRegions }) => ({
        region,
        place: placeOf(region),
        count,
        size,
        listenerLimit: listenerLimit(size),
        upstreamRegions,
        feedsTierBelow: station.relays.some((other) => other.upstreamRegions.includes(region)),
    }));
}

/** Where a provider region is. */
export function placeOf(region: string): Place {
    const facts = digitalOceanRegions[region];
    if (!facts) {
        throw new Error(`there is no region ${region}`);
    }
    return { latitude: facts.latitude, longitude: facts.longitude };
}

/** How closely DNS watches the station's machines. */
export function planHealthCheck(station: Station): Omit<HealthCheck, "path" | "port"> {
    const { timeoutSeconds, retries, downAfter, upAfter } = station.dns.check;
    return {
        intervalSeconds: checkIntervalSeconds(station.dns),
        timeoutSeconds,
        retries,
        downAfter,
        upAfter,
    };
}

/** All regions in which the station has machines, each once. */
export function stationRegions(station: Station): string[] {
    const playout = station.airtime ? [station.airtime] : [];
    return [...new Set([...station.masters, ...station.relays, ...playout].map((place) => place.region))];
}
