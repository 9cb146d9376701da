import { randomBytes } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing } from "./api";
import { eips, securityGroups, subnets } from "./cloud";
import { listeners, loadBalancers, type LoadBalancerRecord } from "./groups";
import { oneOf, region, tags, text } from "./inputs";

/** How names of balancers and target groups may be, as the real provider says it. */
export const balancerName = z
    .string()
    .max(32, "cannot be longer than 32 characters")
    .regex(/^[0-9A-Za-z-]+$/, "only alphanumeric characters and hyphens allowed")
    .regex(/^(?!-)(?!internal-).*(?<!-)$/, 'cannot begin or end with a hyphen, nor begin with "internal-"');

/** A name that the provider made, within its 32 characters. */
export function shortName(given: { name?: string; namePrefix?: string }): string {
    return given.name ?? (given.namePrefix ?? "tf-lb-") + randomBytes(8).toString("hex").slice(0, 16);
}

const inputs = z.strictObject({
    region,
    name: balancerName.optional(),
    namePrefix: z.string().max(6, "cannot be longer than 6 characters").optional(),
    loadBalancerType: z.literal("network", { error: "the lab has network load balancers only" }),
    internal: z.literal(false, { error: "the lab's balancers face the internet" }).default(false),
    ipAddressType: oneOf(["ipv4"]).default("ipv4"),
    enableCrossZoneLoadBalancing: z.boolean().default(false),
    enableDeletionProtection: z.boolean().default(false),
    securityGroups: z.array(text).default([]),
    subnetMappings: z
        .array(z.strictObject({ subnetId: text, allocationId: text }))
        .min(1, "At least one subnet must be specified"),
    tags: tags.optional(),
});
type Inputs = z.output<typeof inputs>;

const operation = "Elastic Load Balancing v2: CreateLoadBalancer";

/** @param self the balancer's ARN, where it has one: its own addresses are free for it. */
function mappingsOf(given: Inputs, self?: string): LoadBalancerRecord["mappings"] {
    const mappings = given.subnetMappings.map(({ subnetId, allocationId }) => {
        const subnet = subnets.get(subnetId);
        if (subnet?.region !== given.region) {
            throw new AwsError(operation, "SubnetNotFound", `The subnet ID '${subnetId}' is not valid`);
        }
        const eip = eips.get(allocationId);
        if (eip?.region !== given.region) {
            throw new AwsError(
                operation,
                "AllocationIdNotFound",
                `The allocation IDs '${allocationId}' do not exist`,
            );
        }
        return { subnetId, zone: subnet.zone, allocationId, address: eip.address, vpcId: subnet.vpcId };
    });
    if (new Set(mappings.map(({ zone }) => zone)).size < mappings.length) {
        throw new AwsError(
            operation,
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        );
    }
    if (new Set(mappings.map(({ vpcId }) => vpcId)).size > 1) {
        throw new AwsError(operation, "InvalidSubnet", "All subnets must belong to the same VPC");
    }
    const others = loadBalancers.all().filter(({ arn }) => arn !== self);
    const taken = new Set(others.flatMap((one) => one.mappings.map((m) => m.allocationId)));
    const twice = mappings.find(({ allocationId }, index) => {
        const before = mappings.slice(0, index).map((one) => one.allocationId);
        return taken.has(allocationId) || before.includes(allocationId);
    });
    if (twice) {
        throw new AwsError(
            operation,
            "InvalidConfigurationRequest",
            `The allocation ID '${twice.allocationId}' is already associated`,
        );
    }
    return mappings.map(({ vpcId: _, ...mapping }) => mapping);
}

function outputsOf(record: LoadBalancerRecord, given: Inputs) {
    return {
        name: record.name,
        arn: record.arn,
        arnSuffix: record.arn.split(":loadbalancer/")[1],
        dnsName: record.dnsName,
        vpcId: record.vpcId,
        zoneId: "Z0LABNETWORKELB",
        tagsAll: given.tags ?? {},
    };
}

export const loadBalancer = resourceKind({
    type: "aws:lb/loadBalancer:LoadBalancer",
    inputs,
    fromProvider: ["region"],
    sets: ["securityGroups", "subnetMappings"],

    create: (given, context) =>
        doing("creating ELBv2 network Load Balancer", () =>
            exclusively(async () => {
                const name = shortName(given);
                if (loadBalancers.all().some((other) => other.name === name)) {
                    throw new AwsError(
                        operation,
                        "DuplicateLoadBalancerName",
                        `A load balancer with the same name '${name}' exists, but with different settings`,
                    );
                }
                const missing = given.securityGroups.find((id) => !securityGroups.get(id));
                if (missing !== undefined) {
                    throw new AwsError(
                        operation,
                        "InvalidSecurityGroup",
                        `One or more security groups are invalid: ${missing}`,
                    );
                }
                const mappings = mappingsOf(given);
                const unique = randomBytes(8).toString("hex");
                const arn = `arn:aws:elasticloadbalancing:${given.region}:${accountFor(context)}:loadbalancer/net/${name}/${unique}`;
                const record: LoadBalancerRecord = {
                    ...{ urn: context.urn, region: given.region, arn, name, mappings },
                    vpcId: subnets.get(mappings[0]?.subnetId ?? "")?.vpcId ?? "",
                    dnsName: `${name}-${unique}.elb.${given.region}.amazonaws.com`,
                    crossZone: given.enableCrossZoneLoadBalancing,
                    securityGroupIds: given.securityGroups,
                };
                loadBalancers.put(arn, record);
                return { id: arn, outputs: outputsOf(record, given) };
            }),
        ),

    read: async ({ id, outputs }) => (loadBalancers.get(id) ? outputs : undefined),

    update: ({ id }, given) =>
        doing(`updating ELBv2 Load Balancer (${id})`, () =>
            exclusively(async () => {
                const record = loadBalancers.get(id);
                if (!record) {
                    throw new AwsError(
                        "Elastic Load Balancing v2: ModifyLoadBalancerAttributes",
                        "LoadBalancerNotFound",
                        `Load balancer '${id}' not found`,
                    );
                }
                const crossZone = given.enableCrossZoneLoadBalancing;
                const mappings = mappingsOf(given, id);
                const changed = { ...record, mappings, crossZone, securityGroupIds: given.securityGroups };
                loadBalancers.put(id, changed);
                return outputsOf(changed, given);
            }),
        ),

    delete: ({ id, inputs: given }) =>
        doing(`deleting ELBv2 Load Balancer (${id})`, async () => {
            if (given.enableDeletionProtection) {
                throw new AwsError(
                    "Elastic Load Balancing v2: DeleteLoadBalancer",
                    "OperationNotPermitted",
                    `Load balancer '${id}' cannot be deleted because deletion protection is enabled`,
                );
            }
            // Its listeners go with it.
            for (const listener of listeners.all().filter((one) => one.loadBalancerArn === id)) {
                listeners.remove(listener.arn);
            }
            loadBalancers.remove(id);
        }),
});
