import { existsSync } from "node:fs";
import { join } from "node:path";

import { run } from "../workstation/run";
import { checkout, machineNamespace, namespaceName, namespacePath } from "../paths";
import { clientAddress, gateway, internet, macOf, regionOf, sites, siteServices } from "./addresses";
import { ensureResolver, resolverFolder } from "./resolver";
import { ruleset } from "./ruleset";
import {
    changeNetwork,
    interfaceName,
    readNetwork,
    type Balancer,
    type Endpoint,
    type FirewallRules,
    type NetworkState,
    type PrivateAddress,
} from "./state";

const router = "router";
const routerMac = "02:ff:00:00:00:01";
const inPlace = join(checkout, "lab", "network", "in-place.sh");

/** What the network needs to know of a machine. */
export interface Attachment {
    id: string;
    publicAddress: string;
    privateAddress?: PrivateAddress;
}

/** Makes the router and the places outside any region, unless they are there. Safe to call at any time, by many. */
export async function ensureNetwork(): Promise<void> {
    const places = Object.entries(sites).map(([name, address]): Endpoint => ({
        name,
        address,
        services: siteServices[name],
    }));
    await ensureEndpoints(places);
}

/** Makes a region's listener, unless it is there, and returns its name: `client-ams3`. */
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
 * Gives a machine a fresh network namespace, joined to the router, with all addresses recorded for it. An existing one
 * is replaced, and with it every connection of a machine that lost its power. Also makes the listener of its region.
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

/** Takes a machine's link away at once, as its power does. Addresses and rules stay recorded. */
export async function unplugMachine(id: string): Promise<void> {
    await changeNetwork(
        () => undefined,
        () => unwire(machineNamespace(id)),
    );
}

/** Forgets a machine: its link, its rules, and which reserved addresses led to it. */
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
 * Leads a reserved address to a machine, or to none. Works whether the old and the new machine run or not; connections
 * to the old one break, as they do in the cloud.
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
 * Attaches a firewall to a machine, in place of the one before. `undefined` takes it off, also of a machine that is
 * gone.
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

/** How Amazon's cloud treats an instance: its security groups as a firewall, and the metadata service's answers. */
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

/** Sets what the balancers do, all of them. Connections there are stay with their targets. */
export async function setBalancers(balancers: Balancer[]): Promise<void> {
    await changeNetwork(
        (state) => {
            // Checked before it is recorded, as firewalls are.
            ruleset({ ...state, balancers });
            state.balancers = balancers;
        },
        (state) => applyRules(state),
    );
}

/** Cuts an endpoint off the network, or joins it again. Nobody is told: packets are lost, as on a broken line. */
export async function setCut(endpointName: string, cut: boolean): Promise<void> {
    await changeEndpoint(endpointName, (endpoint) => {
        endpoint.cut = cut;
    });
}

async function changeEndpoint(name: string, change: (endpoint: Endpoint) => void): Promise<void> {
    await changeNetwork(
        (state) => {
            change(known(state, name));
            // Checked before it is recorded: a rule nft cannot read would stop every later change.
            ruleset(state);
        },
        (state) => applyRules(state),
    );
}

/** Names of all endpoints: machines as `m-<id>`, listeners, places outside. */
export function endpointNames(): string[] {
    return Object.keys(readNetwork().endpoints).sort();
}

/** The reserved addresses that lead to a machine. */
export function assignedAddresses(state: NetworkState, machineId: string): string[] {
    const name = machineNamespace(machineId);
    return Object.keys(state.reserved).filter((address) => state.reserved[address] === name);
}

/**
 * The command that runs a program of the host as one of a place in the lab: with the place's network, and names found by
 * the lab's DNS server. Other files are the host's; what the program mounts is its own.
 */
export function inNamespace(name: string, argv: readonly string[]): string[] {
    const files = ["unshare", "--mount", "--propagation", "slave", "--", inPlace, resolverFolder()];
    return inNetwork(name, [...files, ...argv]);
}

/** The command that runs a program of the host with the network of a place, and the host's files and names. */
export function inNetwork(name: string, argv: readonly string[]): string[] {
    return ["nsenter", `--net=${namespacePath(name)}`, "--", ...argv];
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
    const settings = [
        "net/ipv4/ip_forward=1",
        "net/ipv4/conf/all/rp_filter=0",
        "net/ipv4/conf/default/rp_filter=0",
        "net/ipv4/conf/all/send_redirects=0",
        "net/ipv4/conf/default/send_redirects=0",
    ];
    for (const setting of settings) {
        const [path = "", value = ""] = setting.split("=");
        await run(inNetwork(router, ["tee", `/proc/sys/${path}`]), { stdin: value });
    }
    await ip(router, [
        "link set lo up",
        `addr add ${gateway}/32 dev lo`,
        // An address that nobody has now swallows what is sent to it, as one of a machine without power does. There is
        // no default route: what is outside the lab is unreachable at once.
        `route add blackhole ${internet}`,
    ]);
}

/** Makes an endpoint's namespace and link anew, as recorded. */
async function wire(state: NetworkState, name: string): Promise<void> {
    const endpoint = known(state, name);
    const mac = macOf(endpoint.address);
    const link = interfaceName(name);
    await unwire(name);
    await run(["ip", "netns", "add", namespaceName(name)]);
    await run([
        ...[
            "ip",
            "link",
            "add",
            "name",
            link,
            "address",
            routerMac,
            "netns",
            namespaceName(router),
            "type",
            "veth",
        ],
        ...["peer", "name", "eth0", "address", mac, "netns", namespaceName(name)],
    ]);
    const reserved = Object.entries(state.reserved).filter(([, owner]) => owner === name);
    const others = [
        endpoint.private?.address,
        ...reserved.map(([address]) => address),
        ...(endpoint.services ?? []),
    ].filter((address) => address !== undefined);
    await ip(name, [
        "link set lo up",
        `addr add ${endpoint.address}/32 dev eth0`,
        ...others.map((address) => `addr add ${address}/32 dev eth0`),
        "link set eth0 up",
        `neigh replace ${gateway} lladdr ${routerMac} dev eth0 nud permanent`,
        `route add ${gateway}/32 dev eth0 src ${endpoint.address}`,
        `route add default via ${gateway} dev eth0 src ${endpoint.address}`,
        ...(endpoint.private
            ? [
                  `route add ${endpoint.private.vpcRange} via ${gateway} dev eth0 src ${endpoint.private.address}`,
              ]
            : []),
    ]);
    await ip(router, [
        `link set ${link} alias ${name} up`,
        ...[endpoint.address, ...others].flatMap((address) => routeTo(name, address, mac)),
        // As with public addresses: a private address nobody has swallows what is sent to it.
        ...(endpoint.private ? [`route replace blackhole ${endpoint.private.vpcRange}`] : []),
    ]);
}

async function unwire(name: string): Promise<void> {
    if (existsSync(namespacePath(router))) {
        // First the link: the kernel takes a namespace down some time after its last process.
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
