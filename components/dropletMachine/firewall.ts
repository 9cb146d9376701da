import * as digitalocean from "@pulumi/digitalocean";
import type * as pulumi from "@pulumi/pulumi";

import { metricsPort } from "../../model/monitoring";
import { enrolPort } from "../machine/base";
import type { StationNetwork } from "../stationNetwork";

/** A port that others than engineers may reach. */
export interface OpenPort {
    port: number;
    /** `everyone`, or only machines that carry this tag. */
    from: "everyone" | { tag: pulumi.Input<string> };
}

const everywhere = ["0.0.0.0/0", "::/0"];

/**
 * A firewall for all machines of one role, bound by tag: a new machine stands behind it from its first moment.
 * Inbound only SSH for engineers, metrics for the monitoring machine, ping, and the ports named; outbound everything.
 */
export function createFirewall(
    name: string,
    args: { network: StationNetwork; tag: pulumi.Input<string>; openPorts: OpenPort[] },
    parent: pulumi.Resource,
): digitalocean.Firewall {
    const ssh = [22, enrolPort].map((port) => ({
        protocol: "tcp",
        portRange: String(port),
        sourceAddresses: args.network.ssh.allowedFrom,
    }));
    const { monitoringTag } = args.network;
    const metrics: OpenPort[] = monitoringTag ? [{ port: metricsPort, from: { tag: monitoringTag } }] : [];
    const open = [...args.openPorts, ...metrics].map(({ port, from }) => ({
        protocol: "tcp",
        portRange: String(port),
        ...(from === "everyone" ? { sourceAddresses: everywhere } : { sourceTags: [from.tag] }),
    }));
    return new digitalocean.Firewall(
        name,
        {
            name: `${args.network.prefix}-${name}`,
            tags: [args.tag],
            inboundRules: [...ssh, ...open, { protocol: "icmp", sourceAddresses: everywhere }],
            outboundRules: [
                { protocol: "tcp", portRange: "1-65535", destinationAddresses: everywhere },
                { protocol: "udp", portRange: "1-65535", destinationAddresses: everywhere },
                { protocol: "icmp", destinationAddresses: everywhere },
            ],
        },
        { parent },
    );
}
