import * as pulumi from "@pulumi/pulumi";

import { journalPort, type MonitoredMachine } from "../../model/monitoring";
import { DropletMachine } from "../dropletMachine";
import { createFirewall } from "../dropletMachine/firewall";
import type { Fingerprint } from "../machine/fingerprint";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { configSecretName } from "../machine/secrets";
import type { EarsPlan } from "./ears";
import type { FiguresPlan, LogsPlan, MonitoringPlan } from "./plan";
import { configuredSecrets, monitoringSecrets, renderMonitoring } from "./render";
import { statusPagePorts } from "./statusPage";

export interface MonitoringArgs extends Pick<
    MonitoringPlan,
    "alertFacts" | "alerts" | "remoteWrite" | "statusPage" | "timeZone"
> {
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
    /** What the Ears listen to. */
    ears: EarsPlan;
    /** Secrets of the stack's configuration, by name: at least those that `remoteWrite`, `alerts` and `statusPage` name. */
    secrets: Record<string, pulumi.Input<string>>;
    /** What of other machines' logs is kept. */
    logs: LogsPlan;
    /** What becomes listener figures. */
    figures: FiguresPlan;
    /** Address that stays the machine's through replacements: others send their journals there. */
    address: pulumi.Input<string>;
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
                openPorts: [
                    { port: journalPort, from: { tag: monitoredTag } },
                    ...(args.statusPage ? statusPagePorts : []),
                ],
            },
            this,
        );
        const { alertFacts, alerts, remoteWrite, statusPage, timeZone } = args;
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
                            ears: args.ears,
                            remoteWrite,
                            statusPage,
                            alertFacts,
                            alerts,
                            timeZone,
                            logs: args.logs,
                            figures: args.figures,
                        }),
                    ),
                secretNames: monitoringSecrets({ remoteWrite, alerts, statusPage }),
                secrets: {
                    values: Object.fromEntries(
                        configuredSecrets({ remoteWrite, alerts, statusPage }).flatMap((name) => {
                            const value = args.secrets[name];
                            return value === undefined ? [] : [[configSecretName(name), value]];
                        }),
                    ),
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
