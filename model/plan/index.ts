import {
    balancedUsdPerGb,
    daysPerMonth,
    maximumUsdPerDay,
    regionPrices,
    restingUsdPerDay,
    targetMbps,
    typeOf,
} from "../canaryCosts";
import { overhead } from "../capacity";
import { amazonPrices, digitalOceanPrices, sizeFacts } from "../prices";
import { countEndpoints } from "./endpoints";
import { namesMonthlyUsd } from "./names";
import {
    capacityOf,
    meanBitrateKbps,
    peakOf,
    planLosses,
    planPools,
    type PoolPlan,
    type RegionLoss,
} from "./relays";
import type { StationToPlan } from "./station";
import { planRecordings, planStorage } from "./storage";
import {
    canaryListeners,
    dropletSizes,
    gbPerGib,
    listenerHours,
    planTransfer,
    type TransferPlan,
} from "./transfer";
import { dollars, whole } from "./words";

/** One line of the bill. */
export interface PlanItem {
    name: string;
    monthlyUsd: number;
    /** What it is, with its figures. */
    detail: string;
}

/** What a station needs, and what it costs in a month. Plain values: a stack's output, and the next preview's comparison. */
export interface StationPlan {
    pools: PoolPlan[];
    /** Expected listeners; undefined where nobody has said how many. */
    listeners?: {
        peak: number;
        average: number;
        hoursPerMonth: number;
        /** What they hear on average, in kbit/s. */
        bitrateKbps: number;
    };
    /** Listeners that all Relays carry together. */
    capacity: number;
    losses: RegionLoss[];
    transfer: TransferPlan;
    droplets: number;
    endpoints: number;
    items: PlanItem[];
    monthlyUsd: number;
    /** Undefined without listeners. */
    usdPer1000ListenerHours?: number;
    /** One server, or as many as the peak needs, at a provider that charges by the gigabyte: the same listeners, no more. */
    bigServer?: { servers: number; monthlyUsd: number };
    warnings: string[];
}

/** Alarms of a target-tracking policy. */
const groupAlarms = 2;

/** Plans a station: Relays, transfer, and every item of its monthly cost. */
export function planStation(station: StationToPlan): StationPlan {
    const pools = planPools(station);
    const losses = planLosses(pools, station.acceptLossOf);
    const transfer = planTransfer(station, pools);
    const hours = listenerHours(pools, station.hoursPerDay);
    const endpoints = countEndpoints(pools, station.masters.length, station.canary?.zones.length ?? 0);
    const amazon = amazonItems(station, pools, transfer);
    const items = [
        ...dropletItems(station, pools, transfer),
        ...amazon,
        namesItem(station.dns, endpoints, hours),
    ].map((item) => ({ ...item, monthlyUsd: cents(item.monthlyUsd) }));
    const monthlyUsd = sumOf(items);
    const bitrateKbps = meanBitrateKbps(station.formats);
    const peak = peakOf(pools);
    return {
        pools,
        ...(station.listeners && {
            listeners: {
                peak,
                average: pools.reduce((sum, pool) => sum + pool.average, 0),
                hoursPerMonth: hours,
                bitrateKbps,
            },
        }),
        capacity: capacityOf(pools),
        losses,
        transfer,
        droplets: dropletSizes(station, pools).length,
        endpoints,
        items,
        monthlyUsd,
        ...(hours > 0 && {
            usdPer1000ListenerHours: thousandths((monthlyUsd / hours) * 1000),
            bigServer: planBigServer(
                peak,
                bitrateKbps,
                (transfer.listenersGiB + transfer.canaryGiB) * gbPerGib,
            ),
        }),
        warnings: warningsOf(station, pools, losses, sumOf(amazon)),
    };
}

/** Masters, Relays by region, the playout with its volume, and what they send beyond what their prices include. */
function dropletItems(
    station: StationToPlan,
    pools: readonly PoolPlan[],
    transfer: TransferPlan,
): PlanItem[] {
    const { playout, masters, monitoring } = station;
    const { includedGiB, listenersGiB, linksGiB, recordingsGiB, overGiB } = transfer;
    return [
        { name: "Masters", monthlyUsd: dropletsUsd(masters), detail: countSizes(masters) },
        ...pools.map(({ region, size, count }) => ({
            name: `Relays ${region}`,
            monthlyUsd: dropletsUsd(Array.from({ length: count }, () => size)),
            detail: `${count} × ${size}`,
        })),
        ...(playout
            ? [
                  {
                      name: "Playout",
                      monthlyUsd:
                          dropletsUsd([playout.size]) +
                          playout.volumeGiB * digitalOceanPrices.volumeMonthlyUsdPerGib,
                      detail: `${playout.size}, volume of ${whole(playout.volumeGiB)} GiB`,
                  },
              ]
            : []),
        ...(monitoring
            ? [{ name: "Monitoring", monthlyUsd: dropletsUsd([monitoring.size]), detail: monitoring.size }]
            : []),
        {
            name: "Transfer",
            monthlyUsd: overGiB * digitalOceanPrices.transferUsdPerGib,
            detail:
                `${whole(listenersGiB)} GiB to listeners and ${whole(linksGiB)} GiB between machines` +
                `${recordingsGiB > 0 ? `, ${whole(recordingsGiB)} GiB of recordings` : ""}; ` +
                `${whole(includedGiB)} GiB are included`,
        },
    ];
}

function dropletsUsd(sizes: readonly string[]): number {
    return sizes.reduce((sum, size) => sum + sizeFacts(size).monthlyUsd, 0);
}

function countSizes(sizes: readonly string[]): string {
    return [...new Set(sizes)]
        .map((size) => `${sizes.filter((other) => other === size).length} × ${size}`)
        .join(", ");
}

/** The canary with its listeners and its group, the backup, the recordings, and what watches them. */
function amazonItems(station: StationToPlan, pools: readonly PoolPlan[], transfer: TransferPlan): PlanItem[] {
    const { canary, backup, playout, recordings } = station;
    const items: PlanItem[] = [];
    let sentGb = 0;
    /** What egress costs after what the account has sent already. */
    const send = (gb: number, region: string): number => {
        const before = egressUsd(sentGb, region);
        sentGb += gb;
        return egressUsd(sentGb, region) - before;
    };
    if (canary) {
        const gb = transfer.canaryGiB * gbPerGib;
        const resting = restingUsdPerDay(canary, canary.region);
        const growing = (maximumUsdPerDay(canary, canary.region) - resting) / 24;
        items.push(
            {
                name: "Canary",
                monthlyUsd: resting * daysPerMonth,
                detail: `${canary.minInstances} × ${canary.instanceType}, balancer in ${canary.zones.length} zones`,
            },
            {
                name: "Canary's listeners",
                monthlyUsd: send(gb, canary.region) + gb * balancedUsdPerGb(canary, canary.region),
                detail: `${whole(gb)} GB to ${whole(canaryListeners(station, pools))} listeners on average`,
            },
            {
                name: "Canary's group",
                monthlyUsd: growing * canary.groupHours,
                detail: `${canary.groupHours} h a month with ${canary.maxInstances} instances, when the droplets cannot serve`,
            },
            {
                name: "Metrics",
                monthlyUsd:
                    canary.minInstances * amazonPrices.instanceMetricsMonthlyUsd +
                    groupAlarms * amazonPrices.alarmMonthlyUsd,
                detail: "the canary's, each minute, and the alarms of its group",
            },
        );
    }
    if (backup) {
        const storage = planStorage(backup);
        const copies = backup.copyRegion === undefined ? "" : `, copied to ${backup.copyRegion}`;
        items.push(
            {
                name: "Shows",
                monthlyUsd: storage.showsUsd,
                detail: `${whole(backup.showsGiB)} GiB in ${backup.region}${copies}`,
            },
            {
                name: "Archive",
                monthlyUsd: storage.archiveUsd,
                detail: `hourly dumps of ${backup.archiveDays} days${copies}`,
            },
        );
        // They run on the playout's machine.
        if (playout) {
            items.push({
                name: "Restore drills",
                monthlyUsd: storage.readUsd + send(storage.sentGb, backup.region),
                detail: `all shows are read each week: ${whole(storage.sentGb)} GB`,
            });
        }
    }
    if (recordings) {
        const { storedGib, monthlyUsd } = planRecordings(recordings, station.masters.length);
        items.push({
            name: "Recordings",
            monthlyUsd,
            detail: `${recordings.days} days by ${station.masters.length} Masters: ${whole(storedGib)} GiB in ${recordings.region}`,
        });
    }
    return items;
}

/** What Amazon takes for what an account sends in a month. */
function egressUsd(gb: number, region: string): number {
    const { egressUsdPerGb } = regionPrices(region);
    const charged = Math.max(0, gb - amazonPrices.freeEgressGb);
    let from = 0;
    let usd = 0;
    for (const { upToGb, part } of amazonPrices.egressSteps) {
        usd += Math.max(0, Math.min(charged, upToGb) - from) * egressUsdPerGb * part;
        from = upToGb;
    }
    return usd;
}

function namesItem(dns: StationToPlan["dns"], endpoints: number, hours: number): PlanItem {
    const usd = namesMonthlyUsd(dns, endpoints, hours);
    const service = dns.service === "route53" ? "Route 53" : `Cloudflare's plan ${dns.plan}`;
    return {
        name: "Names",
        monthlyUsd: usd ?? 0,
        detail: `${endpoints} endpoints with health checks, ${service}${usd === undefined ? ": as in your contract, not in the sum" : ""}`,
    };
}

const bigServerType = "c7g.xlarge";
const bigServerRegion = "us-east-1";

/** The same listeners from rented servers that pay for each gigabyte, at Amazon's prices, the lowest of their kind. */
function planBigServer(peak: number, bitrateKbps: number, gb: number): StationPlan["bigServer"] {
    const facts = typeOf({ instanceType: bigServerType });
    const servers = Math.max(1, Math.ceil((peak * bitrateKbps * overhead) / 1000 / facts.baselineMbps));
    const hourly = facts.hourlyUsd + amazonPrices.publicAddressHourlyUsd;
    return {
        servers,
        monthlyUsd: cents(servers * hourly * 24 * daysPerMonth + egressUsd(gb, bigServerRegion)),
    };
}

function warningsOf(
    station: StationToPlan,
    pools: readonly PoolPlan[],
    losses: readonly RegionLoss[],
    amazonUsd: number,
): string[] {
    const { canary, listeners } = station;
    const warnings: string[] = [];
    const peak = peakOf(pools);
    if (!listeners && pools.length === 1) {
        warnings.push("all Relays are in one region: when it is lost, listeners have nowhere else to go");
    }
    for (const { region, count, listenerLimit, peak: own } of pools) {
        if (own > count * listenerLimit) {
            warnings.push(
                `Relays of ${region} carry ${whole(count * listenerLimit)} of their own ${whole(own)} listeners; the others go to the next region`,
            );
        }
    }
    for (const { region, accepted, carried } of losses) {
        if (accepted && listeners && carried >= peak) {
            warnings.push(`expected.acceptLossOf names ${region}, but the other regions carry its loss`);
        } else if (accepted && listeners) {
            warnings.push(
                `accepted: when ${region} is lost, the other Relays carry ${whole(carried)} of ${whole(peak)} listeners`,
            );
        }
    }
    if (canary) {
        const mbps = (canaryListeners(station, pools) * meanBitrateKbps(station.formats) * overhead) / 1000;
        const limit = canary.minInstances * targetMbps(canary);
        if (mbps > limit) {
            warnings.push(
                `the canary sends ${whole(mbps)} Mbit/s on average, and grows above ${whole(limit)}: lower canary.share, or raise canary.minInstances`,
            );
        }
        if (amazonUsd > canary.budgetUsd) {
            warnings.push(
                `Amazon costs about ${dollars(amazonUsd)} a month, and canary.budget.monthlyUsd is ${canary.budgetUsd}: the warning by mail comes each month`,
            );
        }
    }
    return warnings;
}

function sumOf(items: readonly PlanItem[]): number {
    return cents(items.reduce((sum, { monthlyUsd }) => sum + monthlyUsd, 0));
}

function cents(usd: number): number {
    return Math.round(usd * 100) / 100;
}

function thousandths(usd: number): number {
    return Math.round(usd * 1000) / 1000;
}
