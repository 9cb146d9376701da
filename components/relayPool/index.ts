import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import type { ChannelPlan } from "../../model/channels";
import { linkPort, type Upstream } from "../../model/links";
import type { StationNames } from "../../model/stationNames";
import type { StationCredentials } from "../stationCredentials";
import { DropletMachine } from "../dropletMachine";
import { createFirewall } from "../dropletMachine/firewall";
import { linkPasswordName } from "../machine/secrets";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { relaySecrets, renderRelay } from "./render";

export interface RelayPoolArgs {
    /** Provider region, for example `ams3`. */
    region: string;
    /** How many Relays. */
    count: number;
    /** Droplet size slug. */
    size: pulumi.Input<string>;
    stationName: string;
    channels: ChannelPlan[];
    /** Where to pull from, first preferred: the Masters, or Relays of the tier above. */
    upstreams: pulumi.Input<Upstream[]>;
    /** Where the public certificate comes from, preferred first. */
    masters: pulumi.Input<Upstream[]>;
    names: StationNames;
    /** Listeners at which one Relay is full. */
    listenerLimit: number;
    /** Connections that one address may hold at a Relay. */
    connectionsPerAddress: number;
    /** Whether Relays of a tier below pull from these. */
    feedsTierBelow: boolean;
    network: StationNetwork;
    authority: StationAuthority;
    credentials: StationCredentials;
}

/** Each upstream costs a Relay one more feed of every channel; two survive the loss of one. */
const upstreamsPerPool = 2;

/** A Relay as the rest of the program sees it. */
export interface Relay {
    /** Machine name, for example `relay-ams3-1`. */
    name: string;
    /** Public IPv4 address. */
    address: pulumi.Output<string>;
}

/** The Relays of one region. They pull every channel from every upstream and serve the listeners nearby. */
export class RelayPool extends pulumi.ComponentResource {
    public readonly relays: Relay[];
    /** These Relays as upstreams of the tier below, at addresses that stay; empty unless they feed one. */
    public readonly upstreams: pulumi.Output<Upstream>[];

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
        const role = pulumi.all([args.upstreams, args.masters]).apply(([upstreams, masters]) =>
            renderRelay({
                pool: name,
                stationName: args.stationName,
                channels: args.channels,
                upstreams,
                masters,
                names: args.names,
                region: args.region,
                connectionsPerAddress: args.connectionsPerAddress,
                listenerLimit: args.listenerLimit,
                offersLinks: links !== undefined,
            }),
        );
        this.relays = Array.from({ length: args.count }, (_, index) => {
            const relayName = `${name}-${index + 1}`;
            const machine = new DropletMachine(
                relayName,
                {
                    network: args.network,
                    region: args.region,
                    size: args.size,
                    tags: [args.network.linkTag, tag],
                    role,
                    reservedIp: links?.addresses[index],
                    secretNames: relaySecrets({ offersLinks: links !== undefined }),
                    secrets: {
                        values: { [linkPasswordName]: args.credentials.linkPassword },
                        files: { "ca.pem": args.authority.certificatePem, ...links?.files },
                    },
                },
                { parent: this, dependsOn: firewall },
            );
            return { name: relayName, address: machine.address };
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
        const certificate = args.authority.issue(`${name}-link`, tlsName, this);
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
