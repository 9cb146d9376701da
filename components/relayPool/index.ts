import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import type { ChannelPlan } from "../../model/channels";
import type { IcecastVersion } from "../../model/icecast";
import { linkPort, upstreamsPerPool, type Upstream } from "../../model/links";
import type { StationNames } from "../../model/stationNames";
import type { StationCredentials } from "../stationCredentials";
import { DropletMachine } from "../dropletMachine";
import type { EndingPlan } from "../dropletMachine/ending";
import { createFirewall } from "../dropletMachine/firewall";
import type { Fingerprint } from "../machine/fingerprint";
import type { MachineRole } from "../machine/role";
import { dependencies } from "../stackOutputs";
import { linkLoginName } from "../machine/secrets";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { endLeftBehind } from "./leftBehind";
import { relaySecrets, renderRelay } from "./render";

export interface RelayPoolArgs {
    /** Provider region, for example `ams3`. */
    region: string;
    /** How many Relays. */
    count: number;
    /** Droplet size slug. */
    size: pulumi.Input<string>;
    stationName: string;
    /** The Icecast that the machines install. */
    icecast: IcecastVersion;
    channels: ChannelPlan[];
    /** Where to pull from, first preferred: the Masters, or Relays of the tier above. */
    upstreams: pulumi.Input<Upstream[]>;
    /** Where the public certificate comes from, preferred first. */
    masters: pulumi.Input<Upstream[]>;
    names: StationNames;
    /** Listeners at which a Relay of this droplet size is full. */
    listenerLimit: (size: string) => number;
    /** Connections that one address may hold at a Relay. */
    connectionsPerAddress: number;
    /** After how many seconds without audio an upstream is left. */
    stallSeconds: number;
    /** Whether Relays of a tier below pull from these. */
    feedsTierBelow: boolean;
    /** How Relays go that are replaced or removed. */
    drain: Omit<EndingPlan, "drainingTag" | "leftBehind">;
    /** Ids of droplets that earlier left behind, and that have switched themselves off since. */
    ended: pulumi.Input<number[]>;
    /** Whether the first of these is made or changed before every other Relay of the station. */
    goesFirst: boolean;
    /** Whether another size, image or user data are no reason to replace a droplet in this `up`. */
    replacementWaits: boolean;
    network: StationNetwork;
    authority: StationAuthority;
    credentials: StationCredentials;
}

/** A Relay as the rest of the program sees it. */
export interface Relay {
    /** Machine name, for example `relay-ams3-1`. */
    name: string;
    /** Public IPv4 address. */
    address: pulumi.Output<string>;
    /** What the machine is, for the words of a preview. */
    fingerprint: pulumi.Output<Fingerprint>;
}

/**
 * The Relays of one region. They pull every channel from every upstream and serve the listeners nearby.
 *
 * They are changed one after the other, so that a bad change reaches one of them only. New droplets come side by side, but
 * get their deliveries one after the other, too.
 */
export class RelayPool extends pulumi.ComponentResource {
    public readonly relays: Relay[];
    /** These Relays as upstreams of the tier below, at addresses that stay; empty unless they feed one. */
    public readonly upstreams: pulumi.Output<Upstream>[];
    /** Of each Relay: done when it is healthy. */
    public readonly ready: pulumi.Resource[];

    constructor(name: string, args: RelayPoolArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:RelayPool", name, { region: args.region, count: args.count }, opts);
        const tag = new digitalocean.Tag(
            `${name}-tag`,
            { name: `${args.network.prefix}-${name}` },
            { parent: this },
        ).name;
        const links = args.feedsTierBelow ? this.createLinks(name, args) : undefined;
        this.upstreams = links?.upstreams ?? [];
        const firewall = createFirewall(
            `${name}-firewall`,
            {
                network: args.network,
                tag,
                openPorts: [
                    { port: 80, from: "everyone" },
                    { port: 443, from: "everyone" },
                    ...(links ? [{ port: linkPort, from: { tag: args.network.linkTag } }] : []),
                ],
            },
            this,
        );
        const role = (present: pulumi.Output<string>): pulumi.Output<MachineRole> =>
            pulumi.all([args.upstreams, args.masters, present]).apply(([upstreams, masters, size]) =>
                renderRelay({
                    pool: name,
                    stationName: args.stationName,
                    icecast: args.icecast,
                    channels: args.channels,
                    upstreams,
                    masters,
                    names: args.names,
                    region: args.region,
                    connectionsPerAddress: args.connectionsPerAddress,
                    stallSeconds: args.stallSeconds,
                    listenerLimit: args.listenerLimit(size),
                    offersLinks: links !== undefined,
                }),
            );
        const leftBehind = endLeftBehind(
            `${name}-left-behind`,
            {
                drainingTag: args.network.drainingTag,
                vpcUuid: args.network.vpcUuids[args.region],
                off: args.ended,
            },
            { parent: this, dependsOn: firewall },
        );
        this.ready = [];
        this.relays = Array.from({ length: args.count }, (_, index) => {
            const relayName = `${name}-${index + 1}`;
            const before = this.ready.slice(-1);
            const machine = new DropletMachine(
                relayName,
                {
                    ending: { ...args.drain, drainingTag: args.network.drainingTag, leftBehind },
                    deliveredAfter: before,
                    network: args.network,
                    monitored: args.network.monitoringTag && { role: "relay", authority: args.authority },
                    region: args.region,
                    size: args.size,
                    replacementWaits: args.replacementWaits,
                    tags: [args.network.linkTag, tag],
                    role,
                    reservedIp: links?.addresses[index],
                    secretNames: relaySecrets({ offersLinks: links !== undefined }),
                    secrets: {
                        values: { [linkLoginName]: args.credentials.linkLogin },
                        files: { "ca.pem": args.authority.trustedPem, ...links?.files },
                        generations: { ...args.credentials.generations, ...args.authority.generations },
                    },
                },
                {
                    parent: this,
                    dependsOn: dependencies([firewall], args.goesFirst ? this.ready.slice(0, 1) : []),
                },
            );
            this.ready.push(machine.ready);
            return { name: relayName, address: machine.address, fingerprint: machine.fingerprint };
        });
        this.registerOutputs({ addresses: this.relays.map((relay) => relay.address) });
    }

    /** What the tier below needs: addresses that outlive the machines, and a certificate for the pool. */
    private createLinks(
        name: string,
        args: RelayPoolArgs,
    ): {
        addresses: pulumi.Output<string>[];
        upstreams: pulumi.Output<Upstream>[];
        files: Record<string, pulumi.Output<string>>;
    } {
        const tlsName = `${name}.link.aerial`;
        const certificate = args.authority.issue(`${name}-link`, [tlsName], this);
        const addresses = Array.from(
            { length: Math.min(args.count, upstreamsPerPool) },
            (_, index) =>
                new digitalocean.ReservedIp(
                    `${name}-${index + 1}-link`,
                    { region: args.region },
                    { parent: this },
                ).ipAddress,
        );
        return {
            addresses,
            upstreams: addresses.map((address, index) =>
                address.apply((host) => ({
                    id: `${args.region}-${index + 1}`,
                    host,
                    port: linkPort,
                    tlsName,
                })),
            ),
            files: { "tls.pem": certificate.certificatePem, "tls.key": certificate.privateKeyPem },
        };
    }
}
