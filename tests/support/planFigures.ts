import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import { stationToPlan } from "../../config/plan";
import { parseStation } from "../../config/station";
import { checkout } from "../../lab/paths";
import { planStation, type StationPlan } from "../../model/plan";
import type { StationToPlan } from "../../model/plan/station";
import { gbPerGib, gibOf, hoursPerMonth } from "../../model/plan/transfer";
import { dollars, whole } from "../../model/plan/words";
import { amazonPrices, deliveryPrices, digitalOceanPrices } from "../../model/prices";
import { plannedCanary, plannedStation } from "./plannedStation";

/** The plan of a file in `docs/stations`. */
export function planOfExample(name: string): StationPlan {
    const text = readFileSync(join(checkout, "docs/stations", `${name}.yaml`), "utf8");
    const { config } = parse(text) as { config: Record<string, unknown> };
    return planStation(stationToPlan(parseStation(config["aerial:station"])));
}

/** Listeners of the story's one server, on average. Nobody wrote down how many there were. */
export const storyAverage = 250;

/** A station for so many listeners on average, with the story's three continents; five Relays a region bring the transfer. */
export function storyStation(average: number, relays?: number): StationToPlan {
    const regions = { ams3: 0.5, nyc3: 0.35, sgp1: 0.15 };
    return plannedStation({
        pools: Object.keys(regions).map((region) => ({
            region,
            size: "s-2vcpu-4gb",
            upstreamRegions: [],
            ...(relays !== undefined && { count: relays }),
        })),
        listeners: Object.entries(regions).map(([region, part]) => ({
            region,
            peak: 3 * average * part,
            average: average * part,
        })),
        playout: { size: "s-2vcpu-2gb", volumeGiB: 200, channels: 1 },
        canary: { ...plannedCanary, share: 0.01 },
    });
}

const gib = (bitrateKbps: number): number => gibOf(bitrateKbps, 1000);
const included = (size: string): number => {
    const facts = digitalOceanPrices.sizes[size];
    return facts ? facts.monthlyUsd / facts.transferGiB : NaN;
};
const { transferUsdPerGib } = digitalOceanPrices;

/** Rows of the tables in docs/plan.md, as their cells. */
export function planRows(): string[][] {
    const gb = gib(128) * gbPerGib;
    const { usdPerGb } = deliveryPrices;
    const egress = (region: string): number => amazonPrices.regions[region]?.egressUsdPerGb ?? NaN;
    const ways: [string, number][] = [
        ["HLS by a content delivery network (Bunny's volume network)", gb * usdPerGb.bunny],
        [
            "included with `s-1vcpu-1gb`, `s-1vcpu-2gb`, `s-2vcpu-2gb`, `s-2vcpu-4gb`",
            gib(128) * included("s-1vcpu-1gb"),
        ],
        ["included with `s-1vcpu-512mb-10gb`", gib(128) * included("s-1vcpu-512mb-10gb")],
        ["included with `s-4vcpu-8gb`", gib(128) * included("s-4vcpu-8gb")],
        ["DigitalOcean, beyond what is included", gib(128) * transferUsdPerGib],
        ["Vultr, beyond what is included", gb * usdPerGb.vultr],
        ["included with `s-8vcpu-16gb`", gib(128) * included("s-8vcpu-16gb")],
        ["CloudFront, after the first terabyte", gb * usdPerGb.cloudFront],
        ["Amazon in `eu-central-1`: the canary", gb * egress("eu-central-1")],
        ["Amazon in `ap-southeast-1`", gb * egress("ap-southeast-1")],
        ["a rented server that charges $0.12 a gigabyte", gb * usdPerGb.rentedServer],
    ];
    const bitrates = [48, 64, 96, 128, 192, 320].map((kbps) => [
        String(kbps),
        gib(kbps).toFixed(1),
        dollars(gib(kbps) * included("s-1vcpu-1gb")),
        dollars(gib(kbps) * transferUsdPerGib),
    ]);
    const stations = ["small", "medium", "large"].map((name) => {
        const plan = planOfExample(name);
        const { peak = 0, average = 0 } = plan.listeners ?? {};
        return [
            `[${name}](stations/${name}.yaml)`,
            whole(peak),
            whole(average),
            String(plan.pools.reduce((sum, { count }) => sum + count, 0)),
            dollars(plan.monthlyUsd),
            dollars(plan.usdPer1000ListenerHours ?? NaN),
            dollars(plan.bigServer?.monthlyUsd ?? NaN),
        ];
    });
    return [...ways.map(([way, usd]) => [way, dollars(usd)]), ...bitrates, ...stations, ...storyRows()];
}

function storyRows(): string[][] {
    const server = planStation(storyStation(storyAverage)).bigServer;
    const hours = (storyAverage * hoursPerMonth) / 1000;
    const ten = planStation(storyStation(10 * storyAverage, 5));
    const serverUsd = server?.monthlyUsd ?? NaN;
    return [
        ["one server", whole(storyAverage), dollars(serverUsd), dollars(serverUsd / hours)],
        [
            "Aerial",
            whole(10 * storyAverage),
            dollars(ten.monthlyUsd),
            dollars(ten.usdPer1000ListenerHours ?? NaN),
        ],
    ];
}
