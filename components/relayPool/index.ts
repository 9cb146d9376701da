import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import type { StationCredentials } from "../credentials";
import { DropletHost } from "../host/droplet";
import { createFirewall } from "../host/firewall";
import type { ChannelPlan, Upstream } from "../plan";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { renderRelay } from "./render";

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
    /** Listeners at which one Relay is full. */
    listenerLimit: number;
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
}

/** The Relays of one region. They pull every channel from every upstream and serve the listeners nearby. */
export class RelayPool extends pulumi.ComponentResource {
    public readonly relays: Relay[];

    constructor(name: string, args: RelayPoolArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:RelayPool", name, { region: args.region, count: args.count }, opts);
        const tag = new digitalocean.Tag(
            `${name}-tag`,
            { name: `${args.network.prefix}-${name}` },
            { parent: this },
        ).name;
        const firewall = createFirewall(
            `${name}-firewall`,
            { network: args.network, tag, openPorts: [{ port: 80, from: "everyone" }] },
            this,
        );
        const role = pulumi.output(args.upstreams).apply((upstreams) =>
            renderRelay({
                pool: name,
                stationName: args.stationName,
                channels: args.channels,
                upstreams,
                listenerLimit: args.listenerLimit,
            }),
        );
        this.relays = Array.from({ length: args.count }, (_, index) => {
            const relayName = `${name}-${index + 1}`;
            const host = new DropletHost(
                relayName,
                {
                    network: args.network,
                    region: args.region,
                    size: args.size,
                    tags: [args.network.linkTag, tag],
                    role,
                    secrets: {
                        values: { "relay.link": args.credentials.linkPassword },
                        files: { "ca.pem": args.authority.certificatePem },
                    },
                },
                { parent: this, dependsOn: firewall },
            );
            return { name: relayName, address: host.address };
        });
        this.registerOutputs({ addresses: this.relays.map((relay) => relay.address) });
    }
}
