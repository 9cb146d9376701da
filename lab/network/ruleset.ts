import { metadataAddress, parseRange, resolverAddress } from "./addresses";
import { interfaceName, type Balancer, type Endpoint, type NetworkState } from "./state";

const table = "ip aerial";

/**
 * The router's whole nftables ruleset, in one transaction: what is recorded, no more and no less.
 *
 * Every packet of the lab passes the forward chain once, since all endpoints hang on /32 links of their own. In order:
 * cut links; addresses the sender does not own; Amazon's metadata service; packets of known connections; private
 * networks; the sender's outbound and the receiver's inbound firewall, as DigitalOcean's: an attached firewall denies
 * what none of its rules allows. What a balancer passes on has its target's address by then.
 */
export function ruleset(state: NetworkState): string {
    const endpoints = Object.values(state.endpoints).sort((a, b) => a.name.localeCompare(b.name));
    const walled = endpoints.filter((endpoint) => endpoint.firewall !== undefined);
    const forward = [
        "type filter hook forward priority filter; policy accept;",
        ...cutRules(endpoints),
        ...ownAddressRules(state, endpoints),
        ...metadataRules(endpoints),
        "ct state established,related accept",
        ...privateRules(endpoints),
        ...walled.map((endpoint) => `iifname ${quoted(endpoint)} jump out-${interfaceName(endpoint.name)}`),
        ...walled.map((endpoint) => `oifname ${quoted(endpoint)} jump in-${interfaceName(endpoint.name)}`),
    ];
    const chains = [
        ...walled.flatMap(({ name, firewall }) => [
            firewallChain(
                `out-${interfaceName(name)}`,
                name,
                (firewall?.outbound ?? []).map((rule) => permission("daddr", rule, rule.destinations)),
            ),
            firewallChain(
                `in-${interfaceName(name)}`,
                name,
                (firewall?.inbound ?? []).map((rule) => permission("saddr", rule, rule.sources)),
            ),
        ]),
        chain("forward", forward),
        ...balancing(state.balancers ?? []),
    ];
    // Declared first, so that deleting it is no error the first time.
    return [`table ${table} {}`, `delete table ${table}`, `table ${table} {`, ...chains, "}", ""].join("\n");
}

function cutRules(endpoints: Endpoint[]): string[] {
    const cut = endpoints.filter((endpoint) => endpoint.cut);
    if (cut.length === 0) {
        return [];
    }
    const names = cut.map(quoted).join(", ");
    return [`iifname { ${names} } counter drop`, `oifname { ${names} } counter drop`];
}

/** Nobody sends from an address that is not its own: sources in firewall rules mean something. */
function ownAddressRules(state: NetworkState, endpoints: Endpoint[]): string[] {
    const pairs = endpoints.flatMap((endpoint) => {
        const reserved = Object.entries(state.reserved).filter(([, owner]) => owner === endpoint.name);
        const own = [
            endpoint.address,
            endpoint.private?.address,
            ...reserved.map(([address]) => address),
            ...(endpoint.services ?? []),
        ];
        return own.filter((a) => a !== undefined).map((address) => `${quoted(endpoint)} . ${address}`);
    });
    return pairs.length === 0 ? [] : [`iifname . ip saddr != { ${pairs.join(", ")} } counter drop`];
}

/**
 * Amazon's instances reach the metadata service and the network's resolver whatever their security groups say; nobody
 * else reaches the metadata service. Its answers live for as many hops as the instance is set to: what an instance
 * forwards to somebody behind it is dead on arrival.
 */
function metadataRules(endpoints: Endpoint[]): string[] {
    const served = endpoints.filter((endpoint) => endpoint.metadataHops !== undefined);
    const unreachable = "reject with icmp type net-unreachable";
    if (served.length === 0) {
        return [`ip daddr ${metadataAddress} ${unreachable}`];
    }
    const names = served.map(quoted).join(", ");
    return [
        ...served.map(
            (endpoint) =>
                `oifname ${quoted(endpoint)} ip saddr ${metadataAddress} ip ttl set ${endpoint.metadataHops}`,
        ),
        `ip daddr ${metadataAddress} iifname != { ${names} } ${unreachable}`,
        `iifname { ${names} } ip daddr { ${metadataAddress}, ${resolverAddress} } accept`,
    ];
}

/**
 * New connections to a balancer go to one of its targets by the client's address and port. The kernel remembers the
 * choice with the connection: a target that is taken off the list keeps its connections and gets no new ones.
 */
function balancing(balancers: Balancer[]): string[] {
    if (balancers.length === 0) {
        return [];
    }
    const rules = balancers
        .filter(({ targets }) => targets.length > 0)
        .map(({ address, port, targets }) => {
            const places = targets.map(
                (target, n) => `${n} : ${plainAddress(target.address)} . ${portRange(String(target.port))}`,
            );
            const choice = `jhash ip saddr . tcp sport mod ${targets.length}`;
            const match = `ip daddr ${plainAddress(address)} tcp dport ${portRange(String(port))}`;
            return `${match} dnat to ${choice} map { ${places.join(", ")} }`;
        });
    return [chain("balancing", ["type nat hook prerouting priority dstnat; policy accept;", ...rules])];
}

/** A private address speaks with private addresses of its own network, and with nothing else. */
function privateRules(endpoints: Endpoint[]): string[] {
    const networks = new Map<string, { range: string; members: Endpoint[] }>();
    for (const endpoint of endpoints) {
        if (endpoint.private) {
            const { vpcId, vpcRange } = endpoint.private;
            const network = networks.get(vpcId) ?? { range: vpcRange, members: [] };
            network.members.push(endpoint);
            networks.set(vpcId, network);
        }
    }
    const inside = [...networks.values()].map(({ range, members }) => {
        const names = members.map(quoted).join(", ");
        return `iifname { ${names} } oifname { ${names} } ip saddr ${range} ip daddr ${range} meta mark set 1`;
    });
    const ranges = [...new Set([...networks.values()].map(({ range }) => range))].join(", ");
    return inside.length === 0
        ? []
        : [
              ...inside,
              `meta mark != 1 ip saddr { ${ranges} } counter drop`,
              `meta mark != 1 ip daddr { ${ranges} } counter drop`,
          ];
}

interface Permission {
    protocol: "tcp" | "udp" | "icmp";
    ports: string;
}

/** The rule that lets a packet go on; none when it speaks of IPv6 only, which the lab does not have. */
function permission(side: "saddr" | "daddr", rule: Permission, ranges: string[]): string[] {
    const ipv4 = ranges.filter((range) => !range.includes(":"));
    return ipv4.length === 0 ? [] : [`${addressMatch(side, ipv4)}${protocolMatch(rule)} return`];
}

function firewallChain(name: string, endpoint: string, permissions: string[][]): string {
    return chain(name, [...permissions.flat(), "counter drop"], endpoint);
}

function addressMatch(side: "saddr" | "daddr", ranges: string[]): string {
    // nft knows no /0 in a set, and refuses ranges that overlap unless it may merge them: one rule is all it takes.
    if (ranges.some((range) => parseRange(range).length === 0)) {
        return "";
    }
    return `ip ${side} { ${withoutOverlap(ranges).join(", ")} } `;
}

function protocolMatch(rule: Permission): string {
    if (rule.protocol === "icmp") {
        return "ip protocol icmp";
    }
    if (rule.ports === "all") {
        return `ip protocol ${rule.protocol}`;
    }
    return `${rule.protocol} dport ${portRange(rule.ports)}`;
}

/** `80` or `8000-9000`, checked: this text goes into a ruleset. */
function portRange(ports: string): string {
    const [from = 0, to = from, ...rest] = ports
        .split("-")
        .map((port) => (/^\d{1,5}$/.test(port) ? Number(port) : 0));
    if (rest.length > 0 || from < 1 || to > 65535 || from > to) {
        throw new Error(`${JSON.stringify(ports)} is no port range: "all", "80" or "8000-9000" would be`);
    }
    return from === to ? `${from}` : `${from}-${to}`;
}

/** Ranges that no other of the list contains. */
function withoutOverlap(ranges: string[]): string[] {
    const parsed = [...new Set(ranges)].map((range) => {
        const { base, length } = parseRange(range);
        const size = 2 ** (32 - length);
        const first = Math.floor(base / size) * size;
        return { range, first, last: first + size - 1, size };
    });
    return parsed
        .filter((one, index) =>
            parsed.every(
                (other, otherIndex) =>
                    one.first < other.first ||
                    one.last > other.last ||
                    index === otherIndex ||
                    (one.size === other.size && index < otherIndex),
            ),
        )
        .map(({ range }) => range);
}

/** An address, checked: this text goes into a ruleset. */
function plainAddress(address: string): string {
    if (parseRange(address).length !== 32 || address.includes("/")) {
        throw new Error(`${JSON.stringify(address)} is not an IPv4 address`);
    }
    return address;
}

function quoted(endpoint: Endpoint): string {
    return `"${interfaceName(endpoint.name)}"`;
}

function chain(name: string, rules: string[], subject?: string): string {
    const lines = rules.map((rule) => `        ${rule}`);
    const comment = subject === undefined ? [] : [`        # ${subject.replace(/[^\w.-]/g, "?")}`];
    return [`    chain ${name} {`, ...comment, ...lines, "    }"].join("\n");
}
