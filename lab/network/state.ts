import { readJson, writeJson } from "../workstation/files";
import { withLock } from "../workstation/lock";
import { labPath, shortHash } from "../paths";

/** A permission of a firewall. */
export interface FirewallRule {
    protocol: "tcp" | "udp" | "icmp";
    /** `all`, `80` or `8000-9000`; ignored for ICMP. */
    ports: string;
}

/**
 * A machine's whole firewall; several firewalls of the cloud on one machine are joined to one. What no rule permits is
 * dropped. `sources` and `destinations` are CIDR ranges.
 */
export interface FirewallRules {
    inbound: (FirewallRule & { sources: string[] })[];
    outbound: (FirewallRule & { destinations: string[] })[];
}

/** A machine's place in a private network. */
export interface PrivateAddress {
    address: string;
    vpcId: string;
    /** The private network's CIDR range. */
    vpcRange: string;
}

/** Which packets of an endpoint are lost: all of them, or only those it sends or receives, as when one direction of a line fails. */
export type Cut = "both ways" | "sent" | "received";

/** What has a link of its own to the router: a machine, a region's listener, a place outside. */
export interface Endpoint {
    /** Also its namespace: `client-ams3`, `studio`, `m-<machine id>`. */
    name: string;
    /** Public address, from which it sends. */
    address: string;
    private?: PrivateAddress;
    /** While its network is cut: these packets are dropped without a reply. */
    cut?: Cut;
    firewall?: FirewallRules;
    /** More addresses at which it answers, such as the metadata service's. */
    services?: string[];
    /** Only of machines that the metadata service answers: after how many hops an answer is dropped. */
    metadataHops?: number;
}

/** A port of a reserved address whose connections go to several machines. Machines see the client's address. */
export interface Balancer {
    address: string;
    port: number;
    /** They get the new connections; existing ones stay. Without targets, packets are dropped without a reply. */
    targets: { address: string; port: number }[];
}

export interface NetworkState {
    endpoints: Record<string, Endpoint>;
    /** Reserved addresses in use, and the endpoint each leads to. */
    reserved: Record<string, string>;
    balancers?: Balancer[];
}

const file = () => labPath("network", "network.json");

/** What is recorded of the network now. */
export function readNetwork(): NetworkState {
    return (readJson(file()) as NetworkState | undefined) ?? { endpoints: {}, reserved: {} };
}

/**
 * Changes the record and then the network, while no other process does. The record comes first: if `apply` is
 * interrupted, the next change makes the network match the record.
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

/** All addresses of an endpoint: its public one, then the private one, reserved ones, and those it serves. */
export function addressesOf({ reserved }: NetworkState, endpoint: Endpoint): string[] {
    const assigned = Object.keys(reserved).filter((address) => reserved[address] === endpoint.name);
    const { address, private: inVpc, services = [] } = endpoint;
    return [address, ...(inVpc ? [inVpc.address] : []), ...assigned, ...services];
}

/** Name of an endpoint's link at the router's end. Interface names have 15 characters at most. */
export function interfaceName(endpoint: string): string {
    return `e${shortHash(endpoint, 10)}`;
}
