import type { StationPlan } from "./index";
import type { Lever } from "./levers";
import { change, dollars, whole } from "./words";

/** What a preview says of a plan, a few lines. */
export function describePlan(plan: StationPlan): string[] {
    const { listeners, pools, monthlyUsd, usdPer1000ListenerHours, bigServer } = plan;
    const counts = pools.map(({ region, count }) => `${region} ${count}`).join(", ");
    if (!listeners) {
        return [
            `Plan: ${dollars(monthlyUsd)} a month without what listeners hear; Relays: ${counts}; they carry ` +
                `${whole(plan.capacity)} listeners (describe aerial:station.expected.listeners to plan for yours)`,
        ];
    }
    const { peak, average, bitrateKbps } = listeners;
    return [
        `Plan: ${dollars(monthlyUsd)} a month for ${whole(peak)} listeners at the peak, ${whole(average)} on average, at ` +
            `${whole(bitrateKbps)} kbit/s`,
        ...(usdPer1000ListenerHours !== undefined && bigServer
            ? [
                  `Plan: ${dollars(usdPer1000ListenerHours)} for 1,000 listener-hours; ` +
                      `${describeServers(bigServer.servers)} would cost ${dollars(bigServer.monthlyUsd)} a month`,
              ]
            : []),
        `Plan: Relays: ${counts}; ${describeLoss(plan)}`,
    ];
}

function describeServers(servers: number): string {
    return servers === 1 ? "one big server" : `${servers} big servers`;
}

/** What the loss of the largest region leaves. */
function describeLoss({ losses, capacity }: StationPlan): string {
    const worst = [...losses].sort((one, other) => one.carried - other.carried)[0];
    return worst === undefined || losses.length === 1
        ? `they carry ${whole(capacity)} listeners`
        : `without ${worst.region}, the others carry ${whole(worst.carried)} listeners`;
}

/**
 * What a plan changes, against the plan of the last `up`.
 *
 * @param previous undefined before the first `up`.
 */
export function describeDifference(
    previous: Pick<StationPlan, "items" | "monthlyUsd"> | undefined,
    plan: Pick<StationPlan, "items" | "monthlyUsd">,
): string[] {
    if (!previous) {
        return [];
    }
    const names = [...new Set([...previous.items, ...plan.items].map(({ name }) => name))];
    const usdOf = ({ items }: Pick<StationPlan, "items">, name: string): number =>
        items.find((item) => item.name === name)?.monthlyUsd ?? 0;
    const changes = names
        .map((name) => ({ name, usd: usdOf(plan, name) - usdOf(previous, name) }))
        .filter(({ usd }) => Math.abs(usd) >= 0.005)
        .map(({ name, usd }) => `${name} ${change(usd)}`);
    if (changes.length === 0) {
        return ["Plan: costs as what runs"];
    }
    const total = plan.monthlyUsd - previous.monthlyUsd;
    return [`Plan: ${change(total)} a month against what runs: ${changes.join(", ")}`];
}

/** Why Relays are too few: all of them in any case, or those that are left when a region is lost, for each such region. */
export function describeShortages({
    pools,
    peak,
    capacity,
    losses,
}: Pick<StationPlan, "pools" | "capacity" | "losses"> & { peak: number }): {
    region?: string;
    words: string;
}[] {
    if (capacity < peak) {
        return [{ words: `all Relays carry ${whole(capacity)} of ${whole(peak)} listeners` }];
    }
    return losses
        .filter(({ accepted, carried }) => !accepted && carried < peak)
        .map(({ region, carried }) => ({
            region,
            words:
                pools.length === 1
                    ? `all Relays are in ${region}: without it, ${whole(peak)} listeners have nowhere to go`
                    : `without ${region}, the other Relays carry ${whole(carried)} of ${whole(peak)} listeners`,
        }));
}

/** A plan and its levers as a text for people, line by line. */
export function planTable(plan: StationPlan, levers: readonly Lever[]): string[] {
    const { listeners } = plan;
    const relays = [
        ["Region", "Relays", "planner's", "size", "listeners each", "peak", "average", "without it"],
        ...plan.pools.map(({ region, count, advised, size, listenerLimit, peak, average }) => [
            region,
            String(count),
            listeners ? String(advised) : "",
            size,
            whole(listenerLimit),
            ...(listeners ? [whole(peak), whole(average)] : ["", ""]),
            whole(plan.losses.find((loss) => loss.region === region)?.carried ?? 0),
        ]),
    ];
    const bill = [
        ["Item", "$ a month", "what it is"],
        ...plan.items.map(({ name, monthlyUsd, detail }) => [name, dollars(monthlyUsd), detail]),
        ["Sum", dollars(plan.monthlyUsd), ""],
    ];
    const pulls = [["Lever", "$ a month"], ...levers.map(({ what, changeUsd }) => [what, change(changeUsd)])];
    return [
        ...describePlan(plan),
        "",
        ...columns(relays, [1, 2, 4, 5, 6, 7]),
        "",
        ...columns(bill, [1]),
        "",
        ...columns(pulls, [1]),
    ];
}

/** Rows in columns; those that are named stand at the right of theirs. */
function columns(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
    const widths = (rows[0] ?? []).map((_, index) =>
        Math.max(...rows.map((row) => (row[index] ?? "").length)),
    );
    return rows.map((row) =>
        row
            .map((cell, index) =>
                right.includes(index) ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
            )
            .join("  ")
            .trimEnd(),
    );
}
