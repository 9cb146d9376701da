import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import type { ChannelPlan } from "../../model/channels";
import type { IcecastVersion } from "../../model/icecast";
import { linkPort, type Upstream } from "../../model/links";
import { certificatePort, type AcmePlan } from "../../model/publicCertificate";
import type { SilencePlan, SourcePlan } from "../../model/sources";
import { allNames, type StationNames } from "../../model/stationNames";
import type { StationCredentials } from "../stationCredentials";
import { DropletMachine } from "../dropletMachine";
import { createFirewall } from "../dropletMachine/firewall";
import type { Fingerprint } from "../machine/fingerprint";
import { linkLoginName, linkPasswordName, sourcePasswordName } from "../machine/secrets";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { showsReader, type EmergencyShowsPlan } from "./emergencyShows";
import { recordingKeys, type RecordingsPlan } from "./recordings";
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
    /** The Icecast that the machines install. */
    icecast: IcecastVersion;
    channels: ChannelPlan[];
    /** By priority, first heard first. */
    sources: SourcePlan[];
    silence: SilencePlan;
    /** How much of each source is held, in seconds, so that a stall of its line is not heard. */
    bufferSeconds: number;
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
    /** Whether another size, image or user data are no reason to replace a droplet in this `up`. */
    replacementWaits: boolean;
    network: StationNetwork;
    authority: StationAuthority;
    credentials: StationCredentials;
    /** Emergency shows from the station's bucket; without it there are those that people put on the machine. */
    emergency?: MasterEmergencyShows | undefined;
    /** Where what it plays is recorded; nothing is without. */
    recordings?: MasterRecordings | undefined;
}

/** Where emergency shows come from, and the key that reads them. */
export interface MasterEmergencyShows extends EmergencyShowsPlan {
    /** A key that reads the bucket of shows, and nothing else. */
    reader: { id: pulumi.Input<string>; secret: pulumi.Input<string> };
    /** Generation of that key. */
    keyGeneration: number;
}

/** Where recordings go, and the keys that write and read them. */
export interface MasterRecordings extends RecordingsPlan {
    /** Adds this Master's recordings, and nothing else. */
    writer: { id: pulumi.Input<string>; secret: pulumi.Input<string> };
    /** Reads all Masters' recordings, to cut them. */
    reader: { id: pulumi.Input<string>; secret: pulumi.Input<string> };
    /** Generation of these keys. */
    keyGeneration: number;
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
    /** Name of the machine. */
    public readonly name: string;
    /** What the machine is, for the words of a preview. */
    public readonly fingerprint: pulumi.Output<Fingerprint>;

    constructor(name: string, args: MasterArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:Master", name, { id: args.id, region: args.region, address: args.address }, opts);
        const tag = new digitalocean.Tag(
            `${name}-tag`,
            { name: `${args.network.prefix}-${name}` },
            { parent: this },
        ).name;
        const certificate = args.authority.issue(`${name}-link`, [masterTlsName(args.id)], this);
        const { linkPasswords } = args.credentials;
        const linkGenerations = linkPasswords.map(({ generation }) => generation);
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
        const machine = new DropletMachine(
            name,
            {
                network: args.network,
                monitored: args.network.monitoringTag && { role: "master", authority: args.authority },
                region: args.region,
                size: args.size,
                replacementWaits: args.replacementWaits,
                tags: [args.network.linkTag, tag],
                reservedIp: args.address,
                role: () =>
                    pulumi.output(args.peers).apply((peers) =>
                        renderMaster({
                            id: args.id,
                            stationName: args.stationName,
                            icecast: args.icecast,
                            channels: args.channels,
                            sources: args.sources,
                            silence: args.silence,
                            bufferSeconds: args.bufferSeconds,
                            peers,
                            linkGenerations,
                            ingestPort,
                            maxLinks: args.linkCount,
                            rank: args.rank,
                            publicNames: allNames(args.names),
                            acme: args.acme,
                            emergency: emergencyPlan(args.emergency),
                            recordings: recordingsPlan(args.recordings),
                        }),
                    ),
                secretNames: masterSecrets({ ...args, linkGenerations }),
                secrets: {
                    values: {
                        ...sourceSecrets(args.credentials),
                        [linkLoginName]: args.credentials.linkLogin,
                        ...Object.fromEntries(
                            linkPasswords.map(({ generation, value }) => [
                                linkPasswordName(generation),
                                value,
                            ]),
                        ),
                        ...(args.emergency && {
                            [showsReader.id]: args.emergency.reader.id,
                            [showsReader.secret]: args.emergency.reader.secret,
                        }),
                        ...(args.recordings && {
                            [recordingKeys.writer.id]: args.recordings.writer.id,
                            [recordingKeys.writer.secret]: args.recordings.writer.secret,
                            [recordingKeys.reader.id]: args.recordings.reader.id,
                            [recordingKeys.reader.secret]: args.recordings.reader.secret,
                        }),
                    },
                    files: {
                        "ca.pem": args.authority.trustedPem,
                        "tls.pem": certificate.certificatePem,
                        "tls.key": certificate.privateKeyPem,
                    },
                    generations: {
                        ...args.credentials.generations,
                        ...args.authority.generations,
                        ...(args.emergency && {
                            [showsReader.id]: [args.emergency.keyGeneration],
                            [showsReader.secret]: [args.emergency.keyGeneration],
                        }),
                        ...recordingGenerations(args.recordings),
                    },
                },
            },
            { parent: this, dependsOn: firewall },
        );
        this.address = pulumi.output(args.address);
        this.name = name;
        this.fingerprint = machine.fingerprint;
        this.registerOutputs({ address: this.address });
    }
}

/** The plan without its key: what a machine is told by its user data. */
function emergencyPlan(emergency: MasterEmergencyShows | undefined): EmergencyShowsPlan | undefined {
    if (emergency === undefined) {
        return undefined;
    }
    const { reader: _reader, keyGeneration: _generation, ...plan } = emergency;
    return plan;
}

/** The same for recordings. */
function recordingsPlan(recordings: MasterRecordings | undefined): RecordingsPlan | undefined {
    if (recordings === undefined) {
        return undefined;
    }
    const { writer: _writer, reader: _reader, keyGeneration: _generation, ...plan } = recordings;
    return plan;
}

function recordingGenerations(recordings: MasterRecordings | undefined): Record<string, number[]> {
    const names = Object.values(recordingKeys).flatMap(({ id, secret }) => [id, secret]);
    return Object.fromEntries(recordings ? names.map((name) => [name, [recordings.keyGeneration]]) : []);
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
