import { existsSync } from "node:fs";
import { join } from "node:path";

import { run } from "../workstation/run";
import { checkout, machineNamespace, namespaceName, namespacePath } from "../paths";
import { clientAddress, gateway, internet, macOf, regionOf, sites, siteServices } from "./addresses";
import { ensureResolver, resolverFolder } from "./resolver";
import { ruleset } from "./ruleset";
import {
    addressesOf,
    changeNetwork,
    interfaceName,
    readNetwork,
    type Balancer,
    type Cut,
    type Endpoint,
    type FirewallRules,
    type NetworkState,
    type PrivateAddress,
} from "./state";

const router = "router";
const routerMac = "02:ff:00:00:00:01";
const inPlace = join(checkout, "lab", "network", "in-place.sh");

/** What the network needs to know about a machine. */
interface Attachment {
    id: string;
    publicAddress: string;
    privateAddress?: PrivateAddress;
}

/** Makes the router and the places outside any region, unless they exist. Can be called at any time, also at once. */
export async function ensureNetwork(): Promise<void> {
    const places = Object.entries(sites).map(([name, address]): Endpoint => ({
        name,
        address,
        services: siteServices[name],
    }));
    await ensureEndpoints(places);
}

/** Makes the place of a region's listeners, unless it exists, and returns its name: `client-ams3`. */
export async function ensureClient(region: string): Promise<string> {
    const name = `client-${region}`;
    await ensureEndpoints([{ name, address: clientAddress(region) }]);
    return name;
}

async function ensureEndpoints(wanted: Endpoint[]): Promise<void> {
    ensureResolver();
    await changeNetwork(
        (state) => {
            for (const endpoint of wanted) {
                state.endpoints[endpoint.name] ??= endpoint;
            }
        },
        async (state) => {
            await ensureRouter();
            const missing = wanted.filter(({ name }) => !existsSync(namespacePath(name)));
            for (const { name } of missing) {
                await wire(state, name);
            }
            if (missing.length > 0) {
                await applyRules(state);
            }
        },
    );
}

/**
 * Gives a machine a new network namespace, joined to the router, with all its recorded addresses. An existing one is
 * replaced: so a machine that lost its power has lost its connections. Also makes the place of its region's listeners.
 */
export async function attachMachine({ id, publicAddress, privateAddress }: Attachment): Promise<void> {
    const name = machineNamespace(id);
    const region = regionOf(publicAddress);
    await ensureNetwork();
    if (region !== undefined) {
        await ensureClient(region);
    }
    await changeNetwork(
        (state) => {
            const taken = Object.values(state.endpoints).find(
                (other) =>
                    other.name !== name &&
                    (other.address === publicAddress ||
                        (privateAddress !== undefined && other.private?.address === privateAddress.address)),
            );
            if (taken) {
                throw new Error(
                    `an address of machine ${id} (${publicAddress}) already belongs to ${taken.name}`,
                );
            }
            const { cut, firewall, metadataHops } = state.endpoints[name] ?? {};
            const place = { name, address: publicAddress, private: privateAddress };
            state.endpoints[name] = { ...place, cut, firewall, metadataHops };
        },
        async (state) => {
            await wire(state, name);
            await applyRules(state);
        },
    );
}

/** Removes a machine's link at once, as a power loss does. Addresses and rules stay recorded. */
export async function unplugMachine(id: string): Promise<void> {
    await changeNetwork(
        () => undefined,
        () => unwire(machineNamespace(id)),
    );
}

/** Removes a machine's link and all that is recorded of it: its rules and its reserved addresses. */
export async function detachMachine(id: string): Promise<void> {
    const name = machineNamespace(id);
    await changeNetwork(
        (state) => {
            delete state.endpoints[name];
            for (const [address, owner] of Object.entries(state.reserved)) {
                if (owner === name) {
                    delete state.reserved[address];
                }
            }
        },
        async (state) => {
            await unwire(name);
            if (existsSync(namespacePath(router))) {
                await applyRules(state);
            }
        },
    );
}

/**
 * Leads a reserved address to a machine, or to none. The old and the new machine may be on or off. Connections to the
 * old one break, as in the cloud.
 */
export async function assignReservedIp(address: string, machineId: string | undefined): Promise<void> {
    const name = machineId === undefined ? undefined : machineNamespace(machineId);
    await changeNetwork(
        (state) => {
            const old = state.reserved[address];
            if (name === undefined) {
                delete state.reserved[address];
            } else {
                known(state, name);
                state.reserved[address] = name;
            }
            return old;
        },
        async (state, old) => {
            if (old !== undefined && old !== name && existsSync(namespacePath(old))) {
                await ip(old, [`addr del ${address}/32 dev eth0`], { force: true });
                await ip(router, [`route del ${address}/32`], { force: true });
            }
            if (name !== undefined && existsSync(namespacePath(name))) {
                await ip(name, [`addr replace ${address}/32 dev eth0`]);
                await ip(router, routeTo(name, address, macOf(known(state, name).address)));
            }
            await applyRules(state);
        },
    );
}

/**
 * Attaches a firewall to a machine, in place of an earlier one. `undefined` removes it; the machine may be gone then.
 */
export async function applyFirewall(machineId: string, rules: FirewallRules | undefined): Promise<void> {
    const name = machineNamespace(machineId);
    if (rules === undefined && readNetwork().endpoints[name] === undefined) {
        return;
    }
    await changeEndpoint(name, (endpoint) => {
        endpoint.firewall = rules;
    });
}

/** Sets what Amazon sets for an instance: its security groups as a firewall, and the metadata service's hop limit. */
export async function protectInstance(
    machineId: string,
    firewall: FirewallRules,
    metadataHops: number,
): Promise<void> {
    await changeEndpoint(machineNamespace(machineId), (endpoint) => {
        endpoint.firewall = firewall;
        endpoint.metadataHops = metadataHops;
    });
}

/** Replaces all balancers. Existing connections stay with their targets. */
export async function setBalancers(balancers: Balancer[]): Promise<void> {
    await changeNetwork(
        (state) => {
            // Checked before it is recorded, as in `changeEndpoint`.
            ruleset({ ...state, balancers });
            state.balancers = balancers;
        },
        (state) => applyRules(state),
    );
}

/** Cuts an endpoint off the network, or joins it again (`undefined`). While it is cut, packets are lost without any reply. */
export async function setCut(endpointName: string, cut: Cut | undefined): Promise<void> {
    await changeEndpoint(endpointName, (endpoint) => {
        endpoint.cut = cut;
    });
}

async function changeEndpoint(name: string, change: (endpoint: Endpoint) => void): Promise<void> {
    await changeNetwork(
        (state) => {
            change(known(state, name));
            // Checked before it is recorded: a rule that nft cannot read would make every later change fail.
            ruleset(state);
        },
        (state) => applyRules(state),
    );
}

/** The reserved addresses that lead to a machine. */
export function assignedAddresses(state: NetworkState, machineId: string): string[] {
    const name = machineNamespace(machineId);
    return Object.keys(state.reserved).filter((address) => state.reserved[address] === name);
}

/**
 * The command that runs a program of the workstation at a place in the lab: with the place's network, and names from the
 * lab's DNS server. Other files are the workstation's; what the program mounts only it sees.
 */
export function inNamespace(name: string, argv: readonly string[]): string[] {
    const files = ["unshare", "--mount", "--propagation", "slave", "--", inPlace, resolverFolder()];
    return inNetwork(name, [...files, ...argv]);
}

/** The command that runs a program of the workstation with a place's network, and the workstation's files and names. */
export function inNetwork(name: string, argv: readonly string[]): string[] {
    return ["nsenter", `--net=${namespacePath(name)}`, "--", ...argv];
}

/** Sets kernel parameters of a place, by their paths below /proc/sys/net/ipv4. */
export async function setIpv4(place: string, settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, stdin] of Object.entries(settings)) {
        await run(inNetwork(place, ["tee", `/proc/sys/net/ipv4/${path}`]), { stdin });
    }
}

function known(state: NetworkState, name: string): Endpoint {
    const endpoint = state.endpoints[name];
    if (!endpoint) {
        throw new Error(
            `${name} is not on the network; there are ${Object.keys(state.endpoints).join(", ")}`,
        );
    }
    return endpoint;
}

async function ensureRouter(): Promise<void> {
    if (existsSync(namespacePath(router))) {
        return;
    }
    await run(["ip", "netns", "add", namespaceName(router)]);
    await setIpv4(router, {
        ip_forward: "1",
        "conf/all/rp_filter": "0",
        "conf/default/rp_filter": "0",
        "conf/all/send_redirects": "0",
        "conf/default/send_redirects": "0",
    });
    await ip(router, [
        "link set lo up",
        `addr add ${gateway}/32 dev lo`,
        // Packets to an address that nobody has are lost, as those to a machine without power. There is no default route:
        // all outside the lab is unreachable at once.
        `route add blackhole ${internet}`,
    ]);
}

/** Makes an endpoint's namespace and link as recorded; an existing one is replaced. */
async function wire(state: NetworkState, name: string): Promise<void> {
    const endpoint = known(state, name);
    const mac = macOf(endpoint.address);
    const link = interfaceName(name);
    await unwire(name);
    await run(["ip", "netns", "add", namespaceName(name)]);
    const routerEnd = `name ${link} address ${routerMac} netns ${namespaceName(router)}`;
    const otherEnd = `name eth0 address ${mac} netns ${namespaceName(name)}`;
    await run(["ip", "link", "add", ...`${routerEnd} type veth peer ${otherEnd}`.split(" ")]);
    const addresses = addressesOf(state, endpoint);
    const inVpc = endpoint.private;
    await ip(name, [
        "link set lo up",
        ...addresses.map((address) => `addr add ${address}/32 dev eth0`),
        "link set eth0 up",
        `neigh replace ${gateway} lladdr ${routerMac} dev eth0 nud permanent`,
        `route add ${gateway}/32 dev eth0 src ${endpoint.address}`,
        `route add default via ${gateway} dev eth0 src ${endpoint.address}`,
        ...(inVpc ? [`route add ${inVpc.vpcRange} via ${gateway} dev eth0 src ${inVpc.address}`] : []),
    ]);
    await ip(router, [
        `link set ${link} alias ${name} up`,
        ...addresses.flatMap((address) => routeTo(name, address, mac)),
        // As with public addresses: packets to a private address that nobody has are lost.
        ...(inVpc ? [`route replace blackhole ${inVpc.vpcRange}`] : []),
    ]);
}

async function unwire(name: string): Promise<void> {
    if (existsSync(namespacePath(router))) {
        // First the link: the kernel removes a namespace some time after its last process has ended.
        await ip(router, [`link del ${interfaceName(name)}`], { force: true });
    }
    if (existsSync(namespacePath(name))) {
        await run(["ip", "netns", "del", namespaceName(name)]);
    }
}

function routeTo(name: string, address: string, mac: string): string[] {
    const link = interfaceName(name);
    return [
        `route replace ${address}/32 dev ${link}`,
        `neigh replace ${address} lladdr ${mac} dev ${link} nud permanent`,
    ];
}

async function ip(name: string, commands: string[], { force = false } = {}): Promise<void> {
    const argv = ["ip", "-netns", namespaceName(name), ...(force ? ["-force"] : []), "-batch", "-"];
    await run(argv, { stdin: commands.join("\n") + "\n", allow: force ? "any" : [0] });
}

async function applyRules(state: NetworkState): Promise<void> {
    await run(inNetwork(router, ["nft", "-f", "-"]), { stdin: ruleset(state) });
}
