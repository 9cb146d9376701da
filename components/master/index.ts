import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import type { ChannelPlan } from "../../model/channels";
import { linkPort, type Upstream } from "../../model/links";
import { certificatePort, type AcmePlan } from "../../model/publicCertificate";
import type { SilencePlan, SourcePlan } from "../../model/sources";
import { allNames, type StationNames } from "../../model/stationNames";
import type { StationCredentials } from "../stationCredentials";
import { DropletMachine } from "../dropletMachine";
import { createFirewall } from "../dropletMachine/firewall";
import { linkPasswordName, sourcePasswordName } from "../machine/secrets";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { showsReader, type EmergencyShowsPlan } from "./emergencyShows";
import { masterSecrets, renderMaster } from "./render";

/** Port that encoders connect to: Icecast's own, the default of every encoder. */
export const ingestPort = 8000;

/** The same over TLS, with the public certificate. */
export const ingestTlsPort = 443;

export interface MasterArgs {
    /** One letter: `a` is preferred. */
    id: string;
    /** Provider region, for example `ams3`. */
    region: string;
    /** Droplet size slug. */
    size: pulumi.Input<string>;
    stationName: string;
    channels: ChannelPlan[];
    /** By priority, first heard first. */
    sources: SourcePlan[];
    silence: SilencePlan;
    /** Address that stays the Master's through replacements. */
    address: pulumi.Input<string>;
    /** The other Masters, whose sources this one plays as well. */
    peers: pulumi.Input<Upstream[]>;
    /** How many Relays and Masters pull from this one. */
    linkCount: number;
    /** 0 for the preferred Master. */
    rank: number;
    names: StationNames;
    acme: AcmePlan;
    /**
     * Who may reach the link ports: machines with the station's tag, or everyone, where machines of another provider
     * pull, whose addresses nobody knows in advance. TLS and the password of links are in front of them either way.
     */
    linksFrom: "station" | "everyone";
    network: StationNetwork;
    authority: StationAuthority;
    credentials: StationCredentials;
    /** Emergency shows from the station's bucket; without it there are those that people put on the machine. */
    emergency?: MasterEmergencyShows | undefined;
}

/** Where emergency shows come from, and the key that reads them. */
export interface MasterEmergencyShows extends EmergencyShowsPlan {
    /** A key that reads the bucket of shows, and nothing else. */
    reader: { id: pulumi.Input<string>; secret: pulumi.Input<string> };
}

/** The name in a Master's link certificate. It is never resolved, only compared. */
export function masterTlsName(id: string): string {
    return `master-${id}.link.aerial`;
}

/**
 * A Master: takes the sources, switches between them by priority, and offers the finished channels to Relays over
 * TLS. All Masters are hot: each plays the same sources, wherever those connected.
 */
export class Master extends pulumi.ComponentResource {
    /** Address that encoders and Relays use. It stays through replacements. */
    public readonly address: pulumi.Output<string>;

    constructor(name: string, args: MasterArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:Master", name, { id: args.id, region: args.region, address: args.address }, opts);
        const tag = new digitalocean.Tag(
            `${name}-tag`,
            { name: `${args.network.prefix}-${name}` },
            { parent: this },
        ).name;
        const certificate = args.authority.issue(`${name}-link`, masterTlsName(args.id), this);
        const links = args.linksFrom === "everyone" ? "everyone" : { tag: args.network.linkTag };
        const firewall = createFirewall(
            `${name}-firewall`,
            {
                network: args.network,
                tag,
                openPorts: [
                    { port: ingestPort, from: "everyone" },
                    { port: ingestTlsPort, from: "everyone" },
                    // Health checks, and challenges of the certificate authority.
                    { port: 80, from: "everyone" },
                    { port: linkPort, from: links },
                    { port: certificatePort, from: links },
                ],
            },
            this,
        );
        new DropletMachine(
            name,
            {
                network: args.network,
                region: args.region,
                size: args.size,
                tags: [args.network.linkTag, tag],
                reservedIp: args.address,
                role: pulumi.output(args.peers).apply((peers) =>
                    renderMaster({
                        id: args.id,
                        stationName: args.stationName,
                        channels: args.channels,
                        sources: args.sources,
                        silence: args.silence,
                        peers,
                        ingestPort,
                        maxLinks: args.linkCount,
                        rank: args.rank,
                        publicNames: allNames(args.names),
                        acme: args.acme,
                        emergency: emergencyPlan(args.emergency),
                    }),
                ),
                secretNames: masterSecrets(args),
                secrets: {
                    values: {
                        ...sourceSecrets(args.credentials),
                        [linkPasswordName]: args.credentials.linkPassword,
                        ...(args.emergency && {
                            [showsReader.id]: args.emergency.reader.id,
                            [showsReader.secret]: args.emergency.reader.secret,
                        }),
                    },
                    files: {
                        "ca.pem": args.authority.certificatePem,
                        "tls.pem": certificate.certificatePem,
                        "tls.key": certificate.privateKeyPem,
                    },
                },
            },
            { parent: this, dependsOn: firewall },
        );
        this.address = pulumi.output(args.address);
        this.registerOutputs({ address: this.address });
    }
}

/** The plan without its key: what a machine is told by its user data. */
function emergencyPlan(emergency: MasterEmergencyShows | undefined): EmergencyShowsPlan | undefined {
    if (emergency === undefined) {
        return undefined;
    }
    const { reader: _reader, ...plan } = emergency;
    return plan;
}

/** The passwords of all sources, by the names that the Master's files ask for. */
function sourceSecrets(credentials: StationCredentials): Record<string, pulumi.Output<string>> {
    return Object.fromEntries(
        Object.entries(credentials.sourcePasswords).flatMap(([channel, bySource]) =>
            Object.entries(bySource).map(([source, password]) => [
                sourcePasswordName(channel, source),
                password,
            ]),
        ),
    );
}
