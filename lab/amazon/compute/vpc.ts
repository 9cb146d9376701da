import { z } from "zod";

import { parseRange } from "../../network/addresses";
import { readNetwork } from "../../network/state";
import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing, newId } from "./api";
import { gateways, rangesOverlap, routeTables, securityGroups, subnets, vpcs } from "./cloud";
import { zonesOf } from "./facts";
import { instances, loadBalancers } from "./groups";
import { cidr, region, tags, text } from "./inputs";

/** What a thing of EC2 is called everywhere. */
export function arnOf(kind: string, place: string, account: string, id: string): string {
    return `arn:aws:ec2:${place}:${account}:${kind}/${id}`;
}

export function withTags(given: { tags?: Record<string, string> }) {
    return { tagsAll: given.tags ?? {} };
}

/** Refuses to delete what something else still needs. */
export function refuseIfUsed(operation: string, what: string, id: string, used: boolean): void {
    if (used) {
        throw new AwsError(
            operation,
            "DependencyViolation",
            `The ${what} '${id}' has dependencies and cannot be deleted.`,
        );
    }
}

export function known<Record>(
    record: Record | undefined,
    operation: string,
    kind: string,
    what: string,
    id: string,
): Record {
    if (!record) {
        throw new AwsError(operation, `Invalid${kind}.NotFound`, `The ${what} ID '${id}' does not exist`);
    }
    return record;
}

export const vpc = resourceKind({
    type: "aws:ec2/vpc:Vpc",
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
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating EC2 VPC", () =>
            exclusively(async () => {
                const operation = "EC2: CreateVpc";
                const { length } = parseRange(given.cidrBlock);
                if (length < 16 || length > 28) {
                    throw new AwsError(
                        operation,
                        "InvalidVpc.Range",
                        `The CIDR '${given.cidrBlock}' is invalid.`,
                    );
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
                const id = newId("vpc");
                vpcs.put(id, { urn: context.urn, region: given.region, id, cidr: given.cidrBlock });
                const account = accountFor(context);
                return {
                    id,
                    outputs: {
                        arn: arnOf("vpc", given.region, account, id),
                        ownerId: account,
                        mainRouteTableId: newId("rtb"),
                        defaultSecurityGroupId: newId("sg"),
                        ...withTags(given),
                    },
                };
            }),
        ),

    read: async ({ id, outputs }) => (vpcs.get(id) ? outputs : undefined),
    update: async (_, given) => withTags(given),

    delete: ({ id }) =>
        doing(`deleting EC2 VPC (${id})`, async () => {
            const users = [
                ...subnets.all(),
                ...gateways.all(),
                ...securityGroups.all(),
                ...routeTables.all(),
            ];
            refuseIfUsed(
                "EC2: DeleteVpc",
                "vpc",
                id,
                users.some(({ vpcId }) => vpcId === id),
            );
            vpcs.remove(id);
        }),
});

export const subnet = resourceKind({
    type: "aws:ec2/subnet:Subnet",
    inputs: z.strictObject({
        region,
        vpcId: text,
        cidrBlock: cidr,
        availabilityZone: text.optional(),
        mapPublicIpOnLaunch: z.boolean().default(false),
        tags: tags.optional(),
    }),
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating EC2 Subnet", () =>
            exclusively(async () => {
                const operation = "EC2: CreateSubnet";
                const network = known(vpcs.get(given.vpcId), operation, "VpcID", "vpc", given.vpcId);
                const zones = zonesOf(given.region);
                const zone = given.availabilityZone ?? zones[0] ?? "";
                if (!zones.includes(zone)) {
                    throw new AwsError(
                        operation,
                        "InvalidParameterValue",
                        `Value (${zone}) for parameter availabilityZone is invalid. Subnets can currently only be ` +
                            `created in the following availability zones: ${zones.join(", ")}.`,
                    );
                }
                const [inner, outer] = [parseRange(given.cidrBlock), parseRange(network.cidr)];
                if (inner.length < outer.length || !rangesOverlap(given.cidrBlock, network.cidr)) {
                    throw new AwsError(
                        operation,
                        "InvalidSubnet.Range",
                        `The CIDR '${given.cidrBlock}' is invalid.`,
                    );
                }
                const neighbours = subnets.all().filter(({ vpcId }) => vpcId === given.vpcId);
                if (neighbours.some((other) => rangesOverlap(other.cidr, given.cidrBlock))) {
                    throw new AwsError(
                        operation,
                        "InvalidSubnet.Conflict",
                        `The CIDR '${given.cidrBlock}' conflicts with another subnet`,
                    );
                }
                const id = newId("subnet");
                const { urn } = context;
                subnets.put(id, {
                    ...{ urn, region: given.region, id, vpcId: given.vpcId, zone, cidr: given.cidrBlock },
                    mapPublicIp: given.mapPublicIpOnLaunch,
                });
                const account = accountFor(context);
                return {
                    id,
                    outputs: {
                        arn: arnOf("subnet", given.region, account, id),
                        availabilityZone: zone,
                        availabilityZoneId: `lab-az${zones.indexOf(zone) + 1}`,
                        ownerId: account,
                        ...withTags(given),
                    },
                };
            }),
        ),

    read: async ({ id, outputs }) => (subnets.get(id) ? outputs : undefined),

    update: ({ id }, given) =>
        exclusively(async () => {
            const record = known(subnets.get(id), "EC2: ModifySubnetAttribute", "SubnetID", "subnet", id);
            subnets.put(id, { ...record, mapPublicIp: given.mapPublicIpOnLaunch });
            return withTags(given);
        }),

    delete: ({ id }) =>
        doing(`deleting EC2 Subnet (${id})`, async () => {
            const used =
                instances.all().some(({ subnetId }) => subnetId === id) ||
                loadBalancers.all().some(({ mappings }) => mappings.some(({ subnetId }) => subnetId === id));
            refuseIfUsed("EC2: DeleteSubnet", "subnet", id, used);
            subnets.remove(id);
        }),
});

export const internetGateway = resourceKind({
    type: "aws:ec2/internetGateway:InternetGateway",
    inputs: z.strictObject({ region, vpcId: text.optional(), tags: tags.optional() }),
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating EC2 Internet Gateway", () =>
            exclusively(async () => {
                const id = newId("igw");
                attach(id, given, context.urn);
                const account = accountFor(context);
                const arn = arnOf("internet-gateway", given.region, account, id);
                return { id, outputs: { arn, ownerId: account, ...withTags(given) } };
            }),
        ),

    read: async ({ id, outputs }) => (gateways.get(id) ? outputs : undefined),

    update: ({ id }, given, { urn }) =>
        doing(`updating EC2 Internet Gateway (${id})`, () =>
            exclusively(async () => {
                attach(id, given, urn);
                return withTags(given);
            }),
        ),

    delete: async ({ id }) => gateways.remove(id),
});

function attach(id: string, given: { region: string; vpcId?: string }, urn: string): void {
    const operation = "EC2: AttachInternetGateway";
    if (given.vpcId !== undefined) {
        known(vpcs.get(given.vpcId), operation, "VpcID", "vpc", given.vpcId);
        if (gateways.all().some((other) => other.id !== id && other.vpcId === given.vpcId)) {
            throw new AwsError(
                operation,
                "Resource.AlreadyAssociated",
                `Network vpc ${given.vpcId} already has an internet gateway attached`,
            );
        }
    }
    gateways.put(id, { urn, region: given.region, id, vpcId: given.vpcId });
}
