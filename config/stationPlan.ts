import { listenerLimit } from "../model/capacity";
import type { ChannelPlan, StreamFormat } from "../model/channels";
import type { Place } from "../model/geography";
import type { HealthCheck } from "../model/healthCheck";
import { digitalOceanRegions } from "../model/providerRegions";
import { mountOf } from "./mounts";
import { checkIntervalSeconds, recordTtlSeconds } from "./dns";
import type { RolloutConfig } from "./rollout";
import type { Station } from "./schema";

/** A region's Relays, with all that follows from the configuration worked out. */
export interface RelayPoolPlan {
    region: string;
    place: Place;
    count: number;
    size: string;
    /** How many listeners all its Relays serve together. */
    capacity: number;
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
            mount: mountOf({ id, mount }, codec),
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
        capacity: count * listenerLimit(size),
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

/** How Relays go that are replaced or removed. */
export interface DrainPlan extends Omit<RolloutConfig, "quietHour"> {
    /**
     * For how long somebody may still come, by an old answer, to a Relay that has left DNS: the life of an answer, and the
     * time between two health checks.
     */
    answerSeconds: number;
}

export function planDrain({ rollout, dns }: Pick<Station, "rollout" | "dns">): DrainPlan {
    const { quietHour: _quietHour, ...drain } = rollout;
    return { ...drain, answerSeconds: recordTtlSeconds(dns) + checkIntervalSeconds(dns) };
}

/** All regions in which the station has machines, each once. */
export function stationRegions(station: Station): string[] {
    const playout = station.airtime ? [station.airtime] : [];
    const watching = station.monitoring === "none" ? [] : [station.monitoring];
    const places = [...station.masters, ...station.relays, ...playout, ...watching];
    return [...new Set(places.map((place) => place.region))];
}
