import { metadataAddress, parseRange, resolverAddress } from "./addresses";
import {
    addressesOf,
    interfaceName,
    type Balancer,
    type Cut,
    type Endpoint,
    type FirewallRule,
    type NetworkState,
} from "./state";

const table = "ip aerial";

/**
 * The router's whole nftables ruleset for what is recorded, in one transaction.
 *
 * Every packet of the lab passes the forward chain once, since each endpoint has a /32 link of its own. In order: cut
 * links; addresses that are not the sender's; Amazon's metadata service; known connections; private networks; the
 * sender's outbound and the receiver's inbound firewall. As at DigitalOcean, an attached firewall denies what none of its
 * rules allows. A balanced packet has its target's address by then.
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
        ...walled.flatMap(({ name, firewall = { inbound: [], outbound: [] } }) => {
            const outbound = firewall.outbound.flatMap((rule) => permit("daddr", rule, rule.destinations));
            const inbound = firewall.inbound.flatMap((rule) => permit("saddr", rule, rule.sources));
            return [
                chain(`out-${interfaceName(name)}`, [...outbound, "counter drop"], name),
                chain(`in-${interfaceName(name)}`, [...inbound, "counter drop"], name),
            ];
        }),
        chain("forward", forward),
        ...balancing(state.balancers ?? []),
    ];
    // The first line makes the table if it does not exist: deleting it would fail then.
    return [`table ${table} {}`, `delete table ${table}`, `table ${table} {`, ...chains, "}", ""].join("\n");
}

function cutRules(endpoints: Endpoint[]): string[] {
    const lost = (keyword: string, spared: Cut): string[] => {
        const cut = endpoints.filter((endpoint) => endpoint.cut !== undefined && endpoint.cut !== spared);
        return cut.length === 0 ? [] : [`${keyword} { ${cut.map(quoted).join(", ")} } counter drop`];
    };
    return [...lost("iifname", "received"), ...lost("oifname", "sent")];
}

/** Nobody sends from an address of others: else sources in firewall rules would mean nothing. */
function ownAddressRules(state: NetworkState, endpoints: Endpoint[]): string[] {
    const pairs = endpoints.flatMap((endpoint) =>
        addressesOf(state, endpoint).map((address) => `${quoted(endpoint)} . ${address}`),
    );
    return pairs.length === 0 ? [] : [`iifname . ip saddr != { ${pairs.join(", ")} } counter drop`];
}

/**
 * Amazon's instances reach the metadata service and the resolver whatever their security groups say; nobody else reaches
 * the metadata service. Its answers get the instance's hop limit as TTL: with a limit of 1, an instance cannot forward
 * them to a container.
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
 * A hash of the client's address and port chooses the target of each new connection. The kernel keeps the choice with the
 * connection: a target that leaves the list keeps its connections and gets no new ones.
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

/** A private address reaches only private addresses of its own network. */
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

/**
 * The rules that let a packet go on, one for each range: nft refuses a set whose ranges overlap. None for IPv6 ranges,
 * which the lab does not have.
 */
function permit(side: "saddr" | "daddr", rule: FirewallRule, ranges: string[]): string[] {
    return ranges
        .filter((range) => !range.includes(":"))
        .map((range) => `ip ${side} ${checkedRange(range)} ${protocolMatch(rule)} return`);
}

function protocolMatch({ protocol, ports }: FirewallRule): string {
    return protocol === "icmp" || ports === "all"
        ? `ip protocol ${protocol}`
        : `${protocol} dport ${portRange(ports)}`;
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

/** A range or an address, checked: this text goes into a ruleset. */
function checkedRange(range: string): string {
    parseRange(range);
    return range;
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
