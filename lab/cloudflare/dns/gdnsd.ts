import { resolverAddress } from "../../network/addresses";
import type { BalancerRecord, DnsData, MonitorRecord, NameRecord, PoolRecord } from "../records";
import { fixedNames } from "./fixedNames";
import { askersRanges } from "./places";
import { checkName, lastReference, poolReferences, poolResources, unable } from "./pools";
import { array, hash, scalar, type Hash } from "./syntax";

/*
 * gdnsd's configuration from what the lab's Cloudflare holds. In its words: a pool is a `multifo` resource, or a `weighted`
 * one where weights differ, a balancer a `geoip` resource whose datacenters are its pools, and a last datacenter that is
 * always up is the fallback pool.
 *
 * All names are in one zone, the root: the server then answers for every name there could be, at once, and listeners
 * who ask for one that the lab does not have need not wait for anybody.
 */

/** Files of gdnsd's folder, by path. */
export interface ServerFiles {
    config: string;
    "zones/ROOT_ZONE": string;
}

/** Time to live of records that leave it to the provider, in seconds, as Cloudflare's `automatic`. */
const automaticTtl = 300;

/** How long resolvers may remember that there is no such name, in seconds. */
const negativeTtl = 5;

const fallback = "fallback";

/** Which of a name's pools answer whom. */
export interface Order {
    /** Names of pools, first preferred; everybody's unless their region has its own. */
    everybody: string[];
    byRange: { range: string; pools: string[] }[];
    /** Name of the pool that answers when no other may. */
    fallback: string;
}

/** @throws when the lab's server cannot answer so. */
export function checkDns(data: DnsData): void {
    serverFiles(data);
}

/** A balancer's order of pools. Disabled pools take no part. */
export function orderOf(balancer: BalancerRecord, data: DnsData): Order {
    const nameOf = (id: string): string => poolOf(data, id, balancer.name).name;
    const enabled = (ids: readonly string[]): string[] => [
        ...new Set(ids.filter((id) => poolOf(data, id, balancer.name).enabled).map(nameOf)),
    ];
    const byRegion = balancer.steeringPolicy === "geo" ? balancer.regionPools : {};
    return {
        everybody: enabled(balancer.defaultPools),
        byRange: askersRanges.flatMap(({ range, region }) => {
            const ids = byRegion[region];
            return ids === undefined ? [] : [{ range, pools: enabled(ids) }];
        }),
        fallback: nameOf(balancer.fallbackPool),
    };
}

/** The balancers that answer for their names. */
export function activeBalancers(data: DnsData): BalancerRecord[] {
    return data.balancers
        .filter(({ enabled }) => enabled)
        .sort((one, other) => one.name.localeCompare(other.name));
}

/** gdnsd's files for what the account holds. */
export function serverFiles(data: DnsData): ServerFiles {
    const balancers = activeBalancers(data);
    const orders = new Map(balancers.map((balancer) => [balancer, orderOf(balancer, data)]));
    const used = new Set(
        [...orders.values()].flatMap((order) => [
            ...order.everybody,
            ...order.byRange.flatMap(({ pools }) => pools),
            order.fallback,
        ]),
    );
    const pools = data.pools
        .filter(({ name }) => used.has(name))
        .sort((one, other) => one.name.localeCompare(other.name));
    const monitors = data.monitors
        .filter(({ id }) => pools.some((pool) => pool.monitor === id))
        .sort((one, other) => one.id.localeCompare(other.id));
    const references = poolReferences(pools);
    const config: Hash = {
        options: {
            listen: scalar(resolverAddress),
            tcp_threads: scalar("1"),
            udp_threads: scalar("1"),
        },
        service_types: Object.fromEntries(monitors.map((monitor) => [checkName(monitor), checkOf(monitor)])),
        ...(balancers.length > 0 && {
            plugins: {
                ...poolResources(pools, data),
                geoip: {
                    maps: Object.fromEntries([...orders].map(([{ name }, order]) => [name, mapOf(order)])),
                    resources: Object.fromEntries(
                        [...orders].map(([{ name }, order]) => [name, resourceOf(name, order, references)]),
                    ),
                },
            },
        }),
    };
    return { config: hash(config), "zones/ROOT_ZONE": zone(balancers, data.names) };
}

function poolOf(data: DnsData, id: string, wantedBy: string): PoolRecord {
    const pool = data.pools.find((candidate) => candidate.id === id);
    if (!pool) {
        throw new Error(`${wantedBy} names the pool ${id}, which does not exist`);
    }
    return pool;
}

function checkOf(monitor: MonitorRecord): Hash {
    const { type, method, port, header, path, expectedCodes } = monitor;
    const { Host: hosts = [], ...otherHeaders } = header;
    if (type !== "http" || method !== "GET") {
        throw unable(`checks of health by ${type} ${method}; it makes http GET requests`);
    }
    if (hosts.length > 1 || Object.keys(otherHeaders).length > 0) {
        throw unable("headers in checks of health other than one Host");
    }
    // Cloudflare tries again within one check where there was no answer in time; gdnsd waits as long, once, and wants to
    // be done before the next check.
    const timeout = Math.min(monitor.timeoutSeconds * (monitor.retries + 1), monitor.intervalSeconds - 1);
    return {
        plugin: scalar("http_status"),
        port: scalar(String(port === 0 ? 80 : port)),
        url_path: scalar(path),
        ...(hosts[0] !== undefined && { vhost: scalar(hosts[0]) }),
        ok_codes: array(okCodes(expectedCodes)),
        interval: scalar(String(monitor.intervalSeconds)),
        timeout: scalar(String(timeout)),
        up_thresh: scalar(String(Math.max(monitor.consecutiveUp, 1))),
        // One good check in between and the bad ones are counted anew.
        ok_thresh: scalar("1"),
        down_thresh: scalar(String(Math.max(monitor.consecutiveDown, 1))),
    };
}

/** `200,3xx` as single codes. */
function okCodes(expected: string): string[] {
    return expected.split(",").flatMap((code) => {
        const first = Number(code.slice(0, 1)) * 100;
        return code.endsWith("xx")
            ? Array.from({ length: 100 }, (_, index) => String(first + index))
            : [code];
    });
}

function poolNames(order: Order): string[] {
    return [...new Set([...order.everybody, ...order.byRange.flatMap(({ pools }) => pools)])];
}

function mapOf(order: Order): Hash {
    // The order for everybody else is that of this list, whose end is never reached: the fallback is always up.
    const others = poolNames(order).filter((name) => !order.everybody.includes(name));
    return {
        datacenters: array([...order.everybody.map(datacenter), fallback, ...others.map(datacenter)]),
        ...(order.byRange.length > 0 && {
            nets: Object.fromEntries(
                order.byRange.map(({ range, pools }) => [range, array([...pools.map(datacenter), fallback])]),
            ),
        }),
    };
}

function resourceOf(name: string, order: Order, references: ReadonlyMap<string, string>): Hash {
    return {
        map: scalar(name),
        dcmap: {
            ...Object.fromEntries(
                poolNames(order).map((pool) => [datacenter(pool), scalar(references.get(pool) ?? "")]),
            ),
            [fallback]: scalar(lastReference(order.fallback)),
        },
    };
}

function datacenter(pool: string): string {
    return `pool-${pool}`;
}

/** The zone file: balancers go before plain records of the same name. */
function zone(balancers: readonly BalancerRecord[], names: readonly NameRecord[]): string {
    for (const { name, proxied } of [...balancers, ...names]) {
        if (proxied) {
            throw unable(`the proxy, which ${name} wants`);
        }
    }
    const balanced = new Set(balancers.map(({ name }) => name.toLowerCase()));
    const lines = [
        ...Object.entries(fixedNames).map(([name, address]) => record(name, automaticTtl, "A", address)),
        ...balancers.map(({ name, ttlSeconds, steeringPolicy }) => {
            if (!["geo", "off"].includes(steeringPolicy)) {
                throw unable(`steering by ${steeringPolicy}, which ${name} wants`);
            }
            return record(name, ttlSeconds, "DYNA", `geoip!${name}`);
        }),
        ...names
            .filter(({ name }) => !balanced.has(name.toLowerCase()))
            .map(({ name, type, content, ttlSeconds }) =>
                record(
                    name,
                    ttlSeconds === 1 ? automaticTtl : ttlSeconds,
                    type,
                    contentOf(name, type, content),
                ),
            ),
    ];
    return [
        `$TTL ${automaticTtl}`,
        `@ ${negativeTtl} SOA dns.test. hostmaster.test. 1 7200 1800 259200 ${negativeTtl}`,
        "@ NS dns.test.",
        record("dns.test", automaticTtl, "A", resolverAddress),
        ...[...new Set(lines)].sort(),
        "",
    ].join("\n");
}

function record(name: string, ttlSeconds: number, type: string, content: string): string {
    if (!/^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name)) {
        throw unable(`the name ${JSON.stringify(name)}`);
    }
    return `${name}. ${ttlSeconds} ${type} ${content}`;
}

function contentOf(name: string, type: string, content: string): string {
    if (
        (type === "A" && /^[0-9.]+$/.test(content)) ||
        (type === "AAAA" && /^[0-9a-fA-F:.]+$/.test(content))
    ) {
        return content;
    }
    if (type === "CNAME" && /^[A-Za-z0-9_.-]+$/.test(content)) {
        return `${content.replace(/\.$/, "")}.`;
    }
    if (type === "TXT" && /^[\x20-\x7e]*$/.test(content)) {
        return `"${content.replace(/^"(.*)"$/, "$1").replace(/["\\]/g, "\\$&")}"`;
    }
    throw unable(`the ${type} record ${JSON.stringify(content)} of ${name}`);
}
