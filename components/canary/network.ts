import * as ec2 from "@pulumi/aws/ec2";
import * as vpc from "@pulumi/aws/vpc";
import * as pulumi from "@pulumi/pulumi";

import type { Upstream } from "../../model/links";
import { certificatePort } from "../../model/publicCertificate";

/** Addresses of the group's network. It is connected to no other private network. */
const networkRange = "10.78.0.0/16";

const everywhere = "0.0.0.0/0";

export interface CanaryNetwork {
    vpcId: pulumi.Output<string>;
    /** One for each zone, in their order. */
    subnetIds: pulumi.Output<string>[];
    securityGroupId: pulumi.Output<string>;
    /** Routes and rules that an instance needs before it can connect. */
    ways: pulumi.Resource[];
}

export interface CanaryNetworkArgs {
    /** `aerial-<stack>`: start of names that are unique in the account. */
    prefix: string;
    zones: string[];
    masters: pulumi.Input<Upstream>[];
}

/**
 * A network of the group's own: a public subnet in each zone, because listeners come from everywhere and a NAT gateway
 * would cost more than the canary.
 */
export function createNetwork(name: string, args: CanaryNetworkArgs, parent: pulumi.Resource): CanaryNetwork {
    const child = { parent };
    const tags = { Name: `${args.prefix}-canary` };
    const network = new ec2.Vpc(
        `${name}-vpc`,
        { cidrBlock: networkRange, enableDnsSupport: true, enableDnsHostnames: true, tags },
        child,
    );
    const gateway = new ec2.InternetGateway(`${name}-gateway`, { vpcId: network.id, tags }, child);
    const routes = new ec2.RouteTable(
        `${name}-routes`,
        { vpcId: network.id, routes: [{ cidrBlock: everywhere, gatewayId: gateway.id }], tags },
        child,
    );
    const subnets = args.zones.map(
        (zone) =>
            new ec2.Subnet(
                `${name}-${zone}`,
                {
                    vpcId: network.id,
                    availabilityZone: zone,
                    cidrBlock: subnetRange(zone),
                    mapPublicIpOnLaunch: true,
                    tags: { Name: `${args.prefix}-canary-${zone}` },
                },
                child,
            ),
    );
    const associations = subnets.map(
        (subnet, index) =>
            new ec2.RouteTableAssociation(
                `${name}-${args.zones[index]}-routes`,
                { subnetId: subnet.id, routeTableId: routes.id },
                child,
            ),
    );
    const { securityGroup, rules } = createSecurityGroup(name, args, network.id, parent);
    return {
        vpcId: network.id,
        subnetIds: subnets.map((subnet) => subnet.id),
        securityGroupId: securityGroup.id,
        ways: [...associations, ...rules],
    };
}

/** A zone's range depends only on its letter. If a range moved to another zone, old and new subnet would collide. */
function subnetRange(zone: string): string {
    return `10.78.${zone.charCodeAt(zone.length - 1) - "a".charCodeAt(0)}.0/24`;
}

/**
 * In: listeners, and the balancer's checks of health, at 80 and 443. There is no SSH: a broken machine is replaced.
 *
 * Out: the Masters by their addresses; 443 for Amazon's interfaces and 80 for Debian's packages, whose addresses change.
 * Names, time and metadata come from the machine's own network, which security groups do not filter.
 */
function createSecurityGroup(
    name: string,
    args: CanaryNetworkArgs,
    vpcId: pulumi.Output<string>,
    parent: pulumi.Resource,
): { securityGroup: ec2.SecurityGroup; rules: pulumi.Resource[] } {
    const securityGroup = new ec2.SecurityGroup(
        `${name}-security`,
        {
            // Pulumi adds a random end, so that a new group can exist beside the old one, which is in use.
            namePrefix: `${args.prefix}-canary-`,
            description: "Relays of the group: listeners in, Masters and packages out",
            vpcId,
        },
        { parent },
    );
    const tcp = (description: string, port: number, range: pulumi.Input<string>) => ({
        description,
        securityGroupId: securityGroup.id,
        ipProtocol: "tcp",
        fromPort: port,
        toPort: port,
        cidrIpv4: range,
    });
    const child = { parent };
    const open = [
        { port: 80, outside: "Packages of Debian" },
        { port: 443, outside: "Interfaces of Amazon" },
    ].flatMap(({ port, outside }) => [
        new vpc.SecurityGroupIngressRule(`${name}-in-${port}`, tcp("Listeners", port, everywhere), child),
        new vpc.SecurityGroupEgressRule(`${name}-out-${port}`, tcp(outside, port, everywhere), child),
    ]);
    const links = args.masters.flatMap((master, index) => {
        const range = pulumi.output(master).apply(({ host }) => `${host}/32`);
        const link = pulumi.output(master).apply(({ port }) => port);
        return [
            new vpc.SecurityGroupEgressRule(
                `${name}-link-${index + 1}`,
                { ...tcp("Links to a Master", 0, range), fromPort: link, toPort: link },
                child,
            ),
            new vpc.SecurityGroupEgressRule(
                `${name}-certificate-${index + 1}`,
                tcp("Certificate of a Master", certificatePort, range),
                child,
            ),
        ];
    });
    return { securityGroup, rules: [...open, ...links] };
}
