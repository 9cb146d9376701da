import { serviceState } from "../../workstation/services";
import { readDnsData, type DnsData } from "../records";
import { activeBalancers, orderOf } from "./gdnsd";
import { checkName } from "./pools";
import { control, dnsService } from "./server";

/** One member of a pool that a name may be answered with, or an address of a plain record. */
export interface NameStatus {
    name: string;
    /** The pool; absent for plain records. */
    pool?: string;
    /** The pool answers when all others of the name are down. */
    fallback?: boolean;
    members: { name: string; address: string; health: Health }[];
}

/** `unchecked`: nobody asks; `unknown`: the server does not say. */
export type Health = "up" | "down" | "disabled" | "unchecked" | "unknown";

/** All names of the lab's Cloudflare, each with its pools in the order in which they are asked, and their health. */
export async function dnsStatus(): Promise<NameStatus[]> {
    const data = readDnsData();
    if (data.balancers.length + data.names.length === 0) {
        return [];
    }
    return namesOf(data, await serverStates());
}

/** The same, from what is recorded and what the server knows of `<address>/<check>`. */
export function namesOf(data: DnsData, states: ReadonlyMap<string, boolean>): NameStatus[] {
    const balanced = activeBalancers(data).flatMap((balancer) => {
        const order = orderOf(balancer, data);
        const elsewhere = order.byRange.flatMap(({ pools }) => pools);
        const pools = [...new Set([...order.everybody, ...elsewhere, order.fallback])];
        return pools.map((pool) => ({
            name: balancer.name,
            pool,
            fallback: pool === order.fallback,
            members: membersOf(pool, data, states),
        }));
    });
    const plainNames = [...new Set(data.names.map(({ name }) => name))].sort();
    const plain = plainNames.map((name) => ({
        name,
        members: data.names
            .filter((record) => record.name === name)
            .map(({ type, content }) => ({ name: type, address: content, health: "unchecked" as const })),
    }));
    return [...balanced, ...plain];
}

/** The names as a table, for people. The heading comes first. */
export function dnsTable(names: readonly NameStatus[]): string[][] {
    return [
        ["NAME", "POOL", "MEMBERS"],
        ...names.map(({ name, pool = "", fallback, members }) => [
            name,
            fallback ? `${pool} (fallback)` : pool,
            pool === ""
                ? members.map(({ address }) => address).join(", ")
                : members.map((member) => `${member.name} ${member.health}`).join(", "),
        ]),
    ];
}

function membersOf(
    poolName: string,
    data: DnsData,
    states: ReadonlyMap<string, boolean>,
): NameStatus["members"] {
    const pool = data.pools.find(({ name }) => name === poolName);
    const monitor = data.monitors.find(({ id }) => id === pool?.monitor);
    return (pool?.origins ?? []).map(({ name, address, enabled }) => {
        const up = monitor && states.get(`${address}/${checkName(monitor)}`);
        const checked = up === undefined ? "unknown" : up ? "up" : "down";
        return {
            name: name === "" ? address : name,
            address,
            health: !enabled || !pool?.enabled ? "disabled" : monitor === undefined ? "unchecked" : checked,
        };
    });
}

/** What the server knows of its members, by `<address>/<check>`; nothing when it does not run. */
async function serverStates(): Promise<Map<string, boolean>> {
    if (serviceState(dnsService) !== "running") {
        return new Map();
    }
    const { stdout } = await control("states");
    const states = JSON.parse(stdout) as Record<string, { state: string }>;
    return new Map(Object.entries(states).map(([key, { state }]) => [key, !state.startsWith("DOWN")]));
}
