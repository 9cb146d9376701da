import type { StationToPlan } from "../../model/plan/station";

/** A station of two regions without Amazon, for plans; tests change one thing at a time. */
export function plannedStation(change: Partial<StationToPlan> = {}): StationToPlan {
    return {
        formats: [
            { mount: "/main.mp3", bitrateKbps: 192, part: 0.5 },
            { mount: "/main.aac", bitrateKbps: 64, part: 0.5 },
        ],
        channels: 1,
        sources: 3,
        masters: ["s-2vcpu-2gb", "s-2vcpu-2gb"],
        pools: ["ams3", "nyc3"].map((region) => ({ region, size: "s-1vcpu-1gb", upstreamRegions: [] })),
        listeners: [
            { region: "ams3", peak: 1000, average: 300 },
            { region: "nyc3", peak: 500, average: 100 },
        ],
        hoursPerDay: 24,
        acceptLossOf: [],
        dns: { service: "cloudflare", plan: "pro" },
        ...change,
    };
}

/** A canary as a station of one continent has it. */
export const plannedCanary: NonNullable<StationToPlan["canary"]> = {
    region: "eu-central-1",
    nearestRegion: "ams3",
    instanceType: "t4g.small",
    zones: ["eu-central-1a", "eu-central-1b"],
    minInstances: 1,
    maxInstances: 6,
    share: 0.1,
    groupHours: 0.5,
    budgetUsd: 100,
};
