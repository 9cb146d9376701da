import { readJson, writeJson } from "../workstation/files";
import { withLock } from "../workstation/lock";
import { labPath, shortHash } from "../paths";

/** What one permission of a firewall is about. What no rule of an attached firewall permits is dropped. */
interface FirewallRule {
    protocol: "tcp" | "udp" | "icmp";
    /** `all`, `80` or `8000-9000`; of no meaning for ICMP. */
    ports: string;
}

export interface InboundRule extends FirewallRule {
    /** CIDR ranges it accepts from. */
    sources: string[];
}

export interface OutboundRule extends FirewallRule {
    /** CIDR ranges it may send to. */
    destinations: string[];
}

/** A machine's firewall as a whole; several of the cloud's firewalls on one machine are joined before. */
export interface FirewallRules {
    inbound: InboundRule[];
    outbound: OutboundRule[];
}

/** A machine's place in a private network. */
export interface PrivateAddress {
    address: string;
    vpcId: string;
    /** The private network's CIDR range. */
    vpcRange: string;
}

/** Whoever hangs on the router by a link of its own: a machine, a region's listener, a place outside. */
export interface Endpoint {
    /** Also its namespace: `client-ams3`, `studio`, `m-<machine id>`. */
    name: string;
    /** Public address, and the source of what it sends. */
    address: string;
    private?: PrivateAddress;
    /** True while its network is cut: everything it sends or should receive is lost without a word. */
    cut?: boolean;
    firewall?: FirewallRules;
    /** Addresses it answers at that are nobody's place: the metadata service's. */
    services?: string[];
    /** Of a machine that the metadata service answers: how many hops its answers live for. */
    metadataHops?: number;
}

/** A port of a reserved address that is shared out among machines. The client's address stays. */
export interface Balancer {
    address: string;
    port: number;
    /** Who gets new connections; those there are stay where they are. With none, all is lost without a word. */
    targets: { address: string; port: number }[];
}

export interface NetworkState {
    endpoints: Record<string, Endpoint>;
    /** Reserved addresses in use, and the endpoint each leads to. */
    reserved: Record<string, string>;
    balancers?: Balancer[];
}

const file = () => labPath("network", "network.json");

/** What is recorded of the network at this moment. */
export function readNetwork(): NetworkState {
    return (readJson(file()) as NetworkState | undefined) ?? { endpoints: {}, reserved: {} };
}

/**
 * Changes the record and then the network, while no other process does. The record comes first: whatever interrupts
 * `apply`, the next change makes the network follow the record.
 */
export function changeNetwork<T>(
    change: (state: NetworkState) => T,
    apply: (state: NetworkState, result: T) => Promise<void>,
): Promise<T> {
    return withLock(labPath("network", "lock"), async () => {
        const state = readNetwork();
        const result = change(state);
        writeJson(file(), state);
        await apply(state, result);
        return result;
    });
}

/** Name of an endpoint's link at the router's end. Interface names have 15 characters at most. */
export function interfaceName(endpoint: string): string {
    return `e${shortHash(endpoint, 10)}`;
}
