import * as pulumi from "@pulumi/pulumi";

import { journalPort } from "../../model/monitoring";
import { DropletMachine } from "../dropletMachine";
import { createFirewall } from "../dropletMachine/firewall";
import type { Fingerprint } from "../machine/fingerprint";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import type { FiguresPlan, LogsPlan, MonitoredMachine, RemoteWritePlan } from "./plan";
import { monitoringSecrets, remoteWriteKeyName, renderMonitoring } from "./render";

export interface MonitoringArgs {
    /** Provider region, for example `ams3`. */
    region: string;
    /** Droplet size slug. */
    size: pulumi.Input<string>;
    stationName: string;
    /** For how many days metrics are kept, while they have room. */
    retentionDays: number;
    /** How much of the disk metrics may take, in MiB. */
    retentionMiB: number;
    /** All machines of the station that are always there, but this one, by name. */
    machines: Record<string, Omit<MonitoredMachine, "address"> & { address: pulumi.Input<string> }>;
    /** What of other machines' logs is kept. */
    logs: LogsPlan;
    /** What becomes listener figures. */
    figures: FiguresPlan;
    /** Address that stays the machine's through replacements: others send their journals there. */
    address: pulumi.Input<string>;
    /** Where metrics also go, with the key that is sent there. */
    remoteWrite?: (RemoteWritePlan & { key: pulumi.Input<string> }) | undefined;
    /** Whether another size, image or user data are no reason to replace a droplet in this `up`. */
    replacementWaits: boolean;
    network: StationNetwork;
    authority: StationAuthority;
}

/**
 * The monitoring machine: it reads the metrics of every machine. Nothing on air depends on it. Made anew, it finds every
 * machine again, and has no past: what must outlive it goes to a receiver elsewhere (`remoteWrite`).
 */
export class Monitoring extends pulumi.ComponentResource {
    /** Provider region. */
    public readonly region: string;
    /** Public IPv4 address. It stays through replacements. */
    public readonly address: pulumi.Output<string>;
    /** Name of the machine. */
    public readonly name: string;
    /** What the machine is, for the words of a preview. */
    public readonly fingerprint: pulumi.Output<Fingerprint>;

    constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
        const { region, size, retentionDays } = args;
        super("aerial:index:Monitoring", name, { region, size, retentionDays }, opts);
        const { monitoringTag, monitoredTag } = args.network;
        if (monitoringTag === undefined || monitoredTag === undefined) {
            throw new pulumi.ResourceError("the station's network lets nobody read metrics", this);
        }
        const firewall = createFirewall(
            `${name}-firewall`,
            {
                network: args.network,
                tag: monitoringTag,
                openPorts: [{ port: journalPort, from: { tag: monitoredTag } }],
            },
            this,
        );
        const remoteWrite = args.remoteWrite && { url: args.remoteWrite.url };
        const machine = new DropletMachine(
            name,
            {
                network: args.network,
                monitored: { role: "monitoring", authority: args.authority },
                region,
                size,
                replacementWaits: args.replacementWaits,
                tags: [monitoringTag],
                reservedIp: args.address,
                role: () =>
                    pulumi.output(args.machines).apply((machines) =>
                        renderMonitoring({
                            stationName: args.stationName,
                            machines,
                            region,
                            retentionDays,
                            retentionMiB: args.retentionMiB,
                            remoteWrite,
                            logs: args.logs,
                            figures: args.figures,
                        }),
                    ),
                secretNames: monitoringSecrets({ remoteWrite }),
                secrets: {
                    values: args.remoteWrite ? { [remoteWriteKeyName]: args.remoteWrite.key } : {},
                    files: {},
                },
            },
            { parent: this, dependsOn: firewall },
        );
        this.address = machine.address;
        this.name = name;
        this.region = region;
        this.fingerprint = machine.fingerprint;
        this.registerOutputs({ address: this.address });
    }
}
