import * as ec2 from "@pulumi/aws/ec2";
import * as lb from "@pulumi/aws/lb";
import type * as pulumi from "@pulumi/pulumi";

import type { CanaryNetwork } from "./network";

export interface CanaryBalancer {
    /** One for each zone. They stay when the balancer is replaced. */
    addresses: pulumi.Output<string>[];
    targetGroupArns: pulumi.Output<string>[];
    /** A target group without a listener gets no health checks. */
    listeners: pulumi.Resource[];
}

export interface CanaryBalancerArgs {
    prefix: string;
    zones: string[];
    network: CanaryNetwork;
    drainLimitSeconds: number;
}

/**
 * A network load balancer with a fixed address in each zone, for DNS. It leaves TLS to the Relays. It keeps the listeners'
 * addresses, by which Relays limit connections.
 */
export function createBalancer(
    name: string,
    args: CanaryBalancerArgs,
    parent: pulumi.Resource,
): CanaryBalancer {
    const child = { parent };
    const addresses = args.zones.map(
        (zone) =>
            new ec2.Eip(
                `${name}-${zone}-address`,
                { domain: "vpc", tags: { Name: `${args.prefix}-canary-${zone}` } },
                child,
            ),
    );
    const balancer = new lb.LoadBalancer(
        `${name}-balancer`,
        {
            // Zones can be added in place. The fixed name makes a replacement fail, which is intended: an address belongs
            // to one balancer at a time, so the old balancer would have to go first, with its listeners.
            name: balancerName(args.prefix),
            loadBalancerType: "network",
            internal: false,
            // One canary serves what comes in at every zone.
            enableCrossZoneLoadBalancing: true,
            subnetMappings: addresses.map((address, index) => ({
                subnetId: subnetOf(args.network, index),
                allocationId: address.allocationId,
            })),
        },
        { ...child, dependsOn: args.network.ways },
    );
    const targets = [80, 443].map((port) => {
        const group = new lb.TargetGroup(
            `${name}-targets-${port}`,
            {
                // No name: with Pulumi's random one, a new target group can stand beside the one that it replaces.
                tags: { Name: `${args.prefix}-canary-${port}` },
                port,
                protocol: "TCP",
                targetType: "instance",
                vpcId: args.network.vpcId,
                preserveClientIp: "true",
                // How long listeners of an instance that stops may stay connected.
                deregistrationDelay: args.drainLimitSeconds,
                connectionTermination: false,
                // The shortest times that a network load balancer allows.
                healthCheck: {
                    protocol: "HTTP",
                    port: "80",
                    path: "/healthz",
                    matcher: "200",
                    interval: 5,
                    timeout: 4,
                    healthyThreshold: 2,
                    unhealthyThreshold: 2,
                },
                // An unhealthy Relay may still play for the listeners it has.
                targetHealthStates: [{ enableUnhealthyConnectionTermination: false }],
            },
            child,
        );
        const listener = new lb.Listener(
            `${name}-listener-${port}`,
            {
                loadBalancerArn: balancer.arn,
                port,
                protocol: "TCP",
                defaultActions: [{ type: "forward", targetGroupArn: group.arn }],
            },
            child,
        );
        return { group, listener };
    });
    return {
        addresses: addresses.map((address) => address.publicIp),
        targetGroupArns: targets.map(({ group }) => group.arn),
        listeners: targets.map(({ listener }) => listener),
    };
}

/** A balancer's name has at most 32 characters. */
export function balancerName(prefix: string): string {
    const ending = "-canary";
    return prefix.slice(0, 32 - ending.length).replace(/-+$/, "") + ending;
}

function subnetOf(network: CanaryNetwork, index: number): pulumi.Output<string> {
    const id = network.subnetIds[index];
    if (id === undefined) {
        throw new Error(`the network has no subnet ${index + 1}`);
    }
    return id;
}
