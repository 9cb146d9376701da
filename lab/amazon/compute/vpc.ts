import { z } from "zod";

import { parseRange } from "../../network/addresses";
import { readNetwork } from "../../network/state";
import { rangesOverlap } from "../addresses";
import { refuse } from "../errors";
import { zonesOf } from "../facts";
import { cidr, oneOf, region, tags, text } from "../inputs";
import { amazonKind } from "../kind";
import { ec2Arn, newId } from "../names";
import {
    associations,
    gateways,
    instances,
    loadBalancers,
    routeTables,
    securityGroups,
    subnets,
    vpcs,
} from "../records";

/* Private networks: their subnets, and the way out of them. */

/** @throws as EC2 does, when there is no such thing: `vpc` is `vpcs.get(id)`, and `Vpc` its word. */
export function existing<Thing>(
    thing: Thing | undefined,
    operation: string,
    word: string,
    id: string,
): Thing {
    const subject = word.charAt(0).toLowerCase() + word.slice(1);
    return (
        thing ??
        refuse(`EC2: ${operation}`, `Invalid${word}ID.NotFound`, `The ${subject} ID '${id}' does not exist`)
    );
}

/** Refuses to delete what something else still needs. */
function refuseIfUsed(used: boolean, operation: string, what: string, id: string): void {
    if (used) {
        const said = `The ${what} '${id}' has dependencies and cannot be deleted.`;
        refuse(`EC2: ${operation}`, "DependencyViolation", said);
    }
}

export const vpc = amazonKind({
    type: "aws:ec2/vpc:Vpc",
    title: "EC2 VPC",
    inputs: z.strictObject({
        region,
        cidrBlock: cidr,
        enableDnsHostnames: z.boolean().default(false),
        enableDnsSupport: z.literal(true, { error: "the lab's networks have names" }).default(true),
        instanceTenancy: z
            .literal("default", { error: "the lab has no dedicated machines" })
            .default("default"),
        tags: tags.optional(),
    }),
    records: vpcs,
    idOf: ({ id }) => id,

    make(given, { urn }) {
        const { length } = parseRange(given.cidrBlock);
        if (length < 16 || length > 28) {
            refuse("EC2: CreateVpc", "InvalidVpc.Range", `The CIDR '${given.cidrBlock}' is invalid.`);
        }
        // Amazon would allow it; the lab's one router tells private networks apart by their addresses.
        const ranges = Object.values(readNetwork().endpoints).map((one) => one.private?.vpcRange);
        const other = [...vpcs.all().map((one) => one.cidr), ...ranges].find(
            (one) => one !== undefined && rangesOverlap(one, given.cidrBlock),
        );
        if (other !== undefined) {
            throw new Error(
                `the lab has a private network ${other} already, which ${given.cidrBlock} overlaps`,
            );
        }
        return { urn, region: given.region, id: newId("vpc"), cidr: given.cidrBlock };
    },

    outputs: ({ id, region }, _, account) => ({
        arn: ec2Arn("vpc", region, account, id),
        ownerId: account,
        mainRouteTableId: id.replace("vpc-", "rtb-"),
        defaultSecurityGroupId: id.replace("vpc-", "sg-"),
    }),

    checkDelete(id) {
        const users = [...subnets.all(), ...gateways.all(), ...securityGroups.all(), ...routeTables.all()];
        const used = users.some(({ vpcId }) => vpcId === id);
        refuseIfUsed(used, "DeleteVpc", "vpc", id);
    },
});

export const subnet = amazonKind({
    type: "aws:ec2/subnet:Subnet",
    title: "EC2 Subnet",
    inputs: z.strictObject({
        region,
        vpcId: text,
        cidrBlock: cidr,
        availabilityZone: text.optional(),
        mapPublicIpOnLaunch: z.boolean().default(false),
        tags: tags.optional(),
    }),
    records: subnets,
    idOf: ({ id }) => id,

    make({ region, vpcId, cidrBlock, availabilityZone, mapPublicIpOnLaunch }, { urn }) {
        const operation = "EC2: CreateSubnet";
        const network = existing(vpcs.get(vpcId), "CreateSubnet", "Vpc", vpcId);
        const zones = zonesOf(region);
        const zone = availabilityZone ?? zones[0] ?? "";
        if (!zones.includes(zone)) {
            const said =
                `Value (${zone}) for parameter availabilityZone is invalid. Subnets can currently only be ` +
                `created in the following availability zones: ${zones.join(", ")}.`;
            refuse(operation, "InvalidParameterValue", said);
        }
        const [inner, outer] = [parseRange(cidrBlock), parseRange(network.cidr)];
        if (inner.length < outer.length || !rangesOverlap(cidrBlock, network.cidr)) {
            refuse(operation, "InvalidSubnet.Range", `The CIDR '${cidrBlock}' is invalid.`);
        }
        const neighbours = subnets.all().filter((one) => one.vpcId === vpcId);
        if (neighbours.some((other) => rangesOverlap(other.cidr, cidrBlock))) {
            const said = `The CIDR '${cidrBlock}' conflicts with another subnet`;
            refuse(operation, "InvalidSubnet.Conflict", said);
        }
        const place = { urn, region, vpcId, zone };
        return { ...place, id: newId("subnet"), cidr: cidrBlock, mapPublicIp: mapPublicIpOnLaunch };
    },

    change: (record, given) => ({ ...record, mapPublicIp: given.mapPublicIpOnLaunch }),

    outputs: ({ id, region, zone }, _, account) => ({
        arn: ec2Arn("subnet", region, account, id),
        availabilityZone: zone,
        availabilityZoneId: `lab-az${zonesOf(region).indexOf(zone) + 1}`,
        ownerId: account,
    }),

    checkDelete(id) {
        const used =
            instances.all().some(({ subnetId }) => subnetId === id) ||
            loadBalancers.all().some(({ mappings }) => mappings.some(({ subnetId }) => subnetId === id));
        refuseIfUsed(used, "DeleteSubnet", "subnet", id);
    },
});

function attachedGateway(given: { region: string; vpcId?: string }, id: string, urn: string) {
    const { region, vpcId } = given;
    if (vpcId !== undefined) {
        existing(vpcs.get(vpcId), "AttachInternetGateway", "Vpc", vpcId);
        if (gateways.all().some((other) => other.id !== id && other.vpcId === vpcId)) {
            const said = `Network vpc ${vpcId} already has an internet gateway attached`;
            refuse("EC2: AttachInternetGateway", "Resource.AlreadyAssociated", said);
        }
    }
    return { urn, region, id, vpcId };
}

export const internetGateway = amazonKind({
    type: "aws:ec2/internetGateway:InternetGateway",
    title: "EC2 Internet Gateway",
    inputs: z.strictObject({ region, vpcId: text.optional(), tags: tags.optional() }),
    records: gateways,
    idOf: ({ id }) => id,
    make: (given, { urn }) => attachedGateway(given, newId("igw"), urn),
    change: ({ id, urn }, given) => attachedGateway(given, id, urn),
    outputs: ({ id, region }, _, account) => ({
        arn: ec2Arn("internet-gateway", region, account, id),
        ownerId: account,
    }),
});

const routeTableInputs = z.strictObject({
    region,
    vpcId: text,
    routes: z.array(z.strictObject({ cidrBlock: oneOf(["0.0.0.0/0"]), gatewayId: text })).default([]),
    tags: tags.optional(),
});

function routesOf({ vpcId, routes }: z.output<typeof routeTableInputs>) {
    return routes.map(({ cidrBlock, gatewayId }) => {
        const gateway = existing(gateways.get(gatewayId), "CreateRoute", "Gateway", gatewayId);
        if (gateway.vpcId !== vpcId) {
            const said = `route table and network gateway ${gatewayId} belong to different networks`;
            refuse("EC2: CreateRoute", "InvalidParameterValue", said);
        }
        return { cidr: cidrBlock, gatewayId };
    });
}

export const routeTable = amazonKind({
    type: "aws:ec2/routeTable:RouteTable",
    title: "EC2 Route Table",
    inputs: routeTableInputs,
    sets: ["routes"],
    records: routeTables,
    idOf: ({ id }) => id,

    make(given, { urn }) {
        const { region, vpcId } = given;
        existing(vpcs.get(vpcId), "CreateRouteTable", "Vpc", vpcId);
        return { urn, region, id: newId("rtb"), vpcId, routes: routesOf(given) };
    },
    change: (record, given) => ({ ...record, routes: routesOf(given) }),

    outputs: ({ id, region }, _, account) => ({
        arn: ec2Arn("route-table", region, account, id),
        ownerId: account,
    }),

    checkDelete(id) {
        const used = associations.all().some(({ routeTableId }) => routeTableId === id);
        refuseIfUsed(used, "DeleteRouteTable", "routeTable", id);
    },
});

export const routeTableAssociation = amazonKind({
    type: "aws:ec2/routeTableAssociation:RouteTableAssociation",
    title: "EC2 Route Table Association",
    inputs: z.strictObject({ region, routeTableId: text, subnetId: text }),
    records: associations,
    idOf: ({ id }) => id,

    make({ region, routeTableId, subnetId }, { urn }) {
        const operation = "AssociateRouteTable";
        const table = existing(routeTables.get(routeTableId), operation, "RouteTable", routeTableId);
        const net = existing(subnets.get(subnetId), operation, "Subnet", subnetId);
        if (table.vpcId !== net.vpcId) {
            const said = `Route table ${table.id} and subnet ${net.id} belong to different networks`;
            refuse(`EC2: ${operation}`, "InvalidParameterValue", said);
        }
        if (associations.all().some((other) => other.subnetId === subnetId)) {
            const said = `the specified association for route table ${table.id} conflicts with an existing association`;
            refuse(`EC2: ${operation}`, "Resource.AlreadyAssociated", said);
        }
        return { urn, region, id: newId("rtbassoc"), routeTableId, subnetId };
    },
    change: (record, { routeTableId }) => ({ ...record, routeTableId }),
});
