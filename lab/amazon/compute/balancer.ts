import { randomBytes } from "node:crypto";

import { z } from "zod";

import { exclusively } from "../../cloud/records";
import { refuse } from "../errors";
import { arn, between, region, tags, text } from "../inputs";
import { amazonKind } from "../kind";
import {
    eips,
    groups,
    listeners,
    loadBalancers,
    securityGroups,
    subnets,
    targetGroups,
    targets,
    vpcs,
    type ListenerRecord,
    type LoadBalancerRecord,
    type TargetGroupRecord,
} from "../records";

/* Network load balancers: their addresses, their listeners, and the groups of targets that these hand on to. */

const service = "Elastic Load Balancing v2";

/** The name or its prefix, as the real provider takes them for balancers and target groups. */
const names = {
    name: z
        .string()
        .max(32, "cannot be longer than 32 characters")
        .regex(/^[0-9A-Za-z-]+$/, "only alphanumeric characters and hyphens allowed")
        .regex(
            /^(?!-)(?!internal-).*(?<!-)$/,
            'cannot begin or end with a hyphen, nor begin with "internal-"',
        )
        .optional(),
    namePrefix: z.string().max(6, "cannot be longer than 6 characters").optional(),
};

/** 16 hexadecimal digits, as in these ARNs. */
function unique(): string {
    return randomBytes(8).toString("hex");
}

/** The name, or one that the provider makes within its 32 characters. */
function shortName(given: { name?: string; namePrefix?: string }): string {
    return given.name ?? (given.namePrefix ?? "tf-lb-") + unique();
}

const balancerInputs = z.strictObject({
    region,
    ...names,
    loadBalancerType: z.literal("network", { error: "the lab has network load balancers only" }),
    internal: z.literal(false, { error: "the lab's balancers face the internet" }).default(false),
    enableCrossZoneLoadBalancing: z.boolean().default(false),
    securityGroups: z.array(text).default([]),
    subnetMappings: z
        .array(z.strictObject({ subnetId: text, allocationId: text }))
        .min(1, "At least one subnet must be specified"),
    tags: tags.optional(),
});
type BalancerInputs = z.output<typeof balancerInputs>;

/** What a balancer is told by its inputs. @param self its ARN, where it has one: its own addresses are free for it. */
function settingsOf(given: BalancerInputs, self?: string) {
    const operation = `${service}: CreateLoadBalancer`;
    const missing = given.securityGroups.find((id) => !securityGroups.get(id));
    if (missing !== undefined) {
        refuse(operation, "InvalidSecurityGroup", `One or more security groups are invalid: ${missing}`);
    }
    const others = loadBalancers.all().filter((one) => one.arn !== self);
    const taken = new Set(others.flatMap((one) => one.mappings.map(({ allocationId }) => allocationId)));
    const vpcIds = new Set<string>();
    const mappings = given.subnetMappings.map(({ subnetId, allocationId }) => {
        const subnet = subnets.get(subnetId);
        if (subnet?.region !== given.region) {
            refuse(operation, "SubnetNotFound", `The subnet ID '${subnetId}' is not valid`);
        }
        const eip = eips.get(allocationId);
        if (eip?.region !== given.region) {
            refuse(operation, "AllocationIdNotFound", `The allocation IDs '${allocationId}' do not exist`);
        }
        if (taken.has(allocationId)) {
            const said = `The allocation ID '${allocationId}' is already associated`;
            refuse(operation, "InvalidConfigurationRequest", said);
        }
        taken.add(allocationId);
        vpcIds.add(subnet.vpcId);
        return { subnetId, zone: subnet.zone, allocationId, address: eip.address };
    });
    if (new Set(mappings.map(({ zone }) => zone)).size < mappings.length) {
        const said = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
        refuse(operation, "InvalidConfigurationRequest", said);
    }
    const [vpcId = "", other] = vpcIds;
    if (other !== undefined) {
        refuse(operation, "InvalidSubnet", "All subnets must belong to the same VPC");
    }
    const { enableCrossZoneLoadBalancing: crossZone, securityGroups: securityGroupIds } = given;
    return { vpcId, mappings, crossZone, securityGroupIds };
}

export const loadBalancer = amazonKind({
    type: "aws:lb/loadBalancer:LoadBalancer",
    title: "ELBv2 network Load Balancer",
    inputs: balancerInputs,
    sets: ["securityGroups", "subnetMappings"],
    records: loadBalancers,
    idOf: ({ arn }) => arn,

    make(given, { urn, account }): LoadBalancerRecord {
        const { region } = given;
        const name = shortName(given);
        if (loadBalancers.all().some((other) => other.name === name)) {
            const said = `A load balancer with the same name '${name}' exists, but with different settings`;
            refuse(`${service}: CreateLoadBalancer`, "DuplicateLoadBalancerName", said);
        }
        const end = unique();
        return {
            ...{ urn, region, name, ...settingsOf(given) },
            arn: `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/net/${name}/${end}`,
            dnsName: `${name}-${end}.elb.${region}.amazonaws.com`,
        };
    },
    change: (record, given) => ({ ...record, ...settingsOf(given, record.arn) }),

    outputs: ({ name, arn, dnsName, vpcId }) => ({
        ...{ name, arn, dnsName, vpcId },
        arnSuffix: arn.split(":loadbalancer/")[1],
        zoneId: "Z0LABNETWORKELB",
    }),

    // Its listeners go with it.
    remove: (id) =>
        exclusively(async () => {
            for (const { arn } of listeners.all().filter((one) => one.loadBalancerArn === id)) {
                listeners.remove(arn);
            }
            loadBalancers.remove(id);
        }),
});

const healthCheck = z.strictObject({
    enabled: z
        .literal(true, { error: "Health check enabled must be true for target groups of instances" })
        .default(true),
    protocol: z.literal("HTTP", { error: "the lab's balancers check by HTTP" }).default("HTTP"),
    path: z.string().min(1).max(1024).regex(/^\//, "expected a path that begins with /").default("/"),
    port: z
        .string()
        .regex(/^(traffic-port|\d{1,5})$/, 'expected a port, or "traffic-port"')
        .default("traffic-port"),
    interval: between(5, 300).default(30),
    timeout: between(2, 120).default(6),
    healthyThreshold: between(2, 10).default(3),
    unhealthyThreshold: between(2, 10).default(3),
    matcher: z
        .string()
        .regex(/^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/, "expected codes such as 200-399")
        .default("200-399"),
});

const targetGroupInputs = z.strictObject({
    region,
    ...names,
    port: between(1, 65_535),
    protocol: z.literal("TCP", { error: "the lab's balancers speak TCP only" }),
    vpcId: text,
    targetType: z.literal("instance", { error: "the lab's targets are instances" }).default("instance"),
    deregistrationDelay: between(0, 3600).default(300),
    connectionTermination: z.boolean().default(false),
    preserveClientIp: z
        .literal("true", { error: "the lab's balancers keep the client's address" })
        .optional(),
    /** Whether connections to a target are cut when it is found unhealthy. The lab's balancers never cut one. */
    targetHealthStates: z
        .array(
            z.strictObject({
                enableUnhealthyConnectionTermination: z.literal(false, {
                    error: "the lab's balancers cut no connections",
                }),
            }),
        )
        .length(1)
        .optional(),
    healthCheck: healthCheck.optional(),
    tags: tags.optional(),
});

function checkOf(given: z.output<typeof targetGroupInputs>): TargetGroupRecord["check"] {
    const { path, port, interval, timeout, matcher, ...check } = healthCheck.parse(given.healthCheck ?? {});
    if (timeout > interval) {
        const said = `Health check timeout '${timeout}' must be smaller than or equal to the interval '${interval}'`;
        refuse(`${service}: CreateTargetGroup`, "ValidationError", said);
    }
    return {
        ...{ path, port, matcher },
        ...{ intervalSeconds: interval, timeoutSeconds: timeout },
        ...{ healthy: check.healthyThreshold, unhealthy: check.unhealthyThreshold },
    };
}

export const targetGroup = amazonKind({
    type: "aws:lb/targetGroup:TargetGroup",
    title: "ELBv2 Target Group",
    inputs: targetGroupInputs,
    records: targetGroups,
    idOf: ({ arn }) => arn,

    make(given, { urn, account }) {
        const { region, vpcId, port, deregistrationDelay: drainSeconds } = given;
        const name = shortName(given);
        const operation = `${service}: CreateTargetGroup`;
        if (targetGroups.all().some((other) => other.name === name)) {
            const said = `A target group with the same name '${name}' exists, but with different settings`;
            refuse(operation, "DuplicateTargetGroupName", said);
        }
        if (vpcs.get(vpcId)?.region !== region) {
            refuse(operation, "ValidationError", `The VPC ID '${vpcId}' is not found`);
        }
        const arn = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${unique()}`;
        return { urn, region, arn, name, vpcId, port, drainSeconds, check: checkOf(given) };
    },
    change: (record, given) => ({
        ...record,
        drainSeconds: given.deregistrationDelay,
        check: checkOf(given),
    }),

    outputs: ({ name, arn }) => ({ name, arn, arnSuffix: arn.split(":").at(-1) }),

    checkDelete(id) {
        const used =
            listeners.all().some(({ targetGroupArn }) => targetGroupArn === id) ||
            groups.all().some(({ targetGroupArns }) => targetGroupArns.includes(id));
        if (used) {
            const said = `Target group '${id}' is currently in use by a listener or a rule`;
            refuse(`${service}: DeleteTargetGroup`, "ResourceInUse", said);
        }
    },
    remove: removeTargetGroup,
});

/** Removes a target group and what is registered with it. */
export async function removeTargetGroup(id: string): Promise<void> {
    await exclusively(async () => {
        for (const target of targets.ids().filter((key) => key.startsWith(`${id} `))) {
            targets.remove(target);
        }
        targetGroups.remove(id);
    });
}

const listenerInputs = z.strictObject({
    region,
    loadBalancerArn: arn("elasticloadbalancing"),
    port: between(1, 65_535),
    protocol: z.literal("TCP", { error: "the lab's balancers speak TCP only" }),
    defaultActions: z.tuple([
        z.strictObject({
            type: z.literal("forward", { error: "the lab's balancers forward only" }),
            targetGroupArn: arn("elasticloadbalancing"),
        }),
    ]),
    tags: tags.optional(),
});

/** A listener as wanted. @param self its ARN, where it has one. */
function listenerOf(
    { region, loadBalancerArn, port, defaultActions }: z.output<typeof listenerInputs>,
    urn: string,
    operation: string,
    self?: string,
): ListenerRecord {
    const [{ targetGroupArn }] = defaultActions;
    if (!loadBalancers.get(loadBalancerArn)) {
        refuse(operation, "LoadBalancerNotFound", `Load balancer '${loadBalancerArn}' not found`);
    }
    if (!targetGroups.get(targetGroupArn)) {
        refuse(operation, "TargetGroupNotFound", `Target groups '${targetGroupArn}' not found`);
    }
    const others = listeners
        .all()
        .filter((one) => one.arn !== self && one.loadBalancerArn === loadBalancerArn);
    if (others.some((other) => other.port === port)) {
        const said = "A listener already exists on this port for this load balancer";
        refuse(operation, "DuplicateListener", said);
    }
    const arn = self ?? `${loadBalancerArn.replace(":loadbalancer/", ":listener/")}/${unique()}`;
    return { urn, region, arn, loadBalancerArn, port, targetGroupArn };
}

export const listener = amazonKind({
    type: "aws:lb/listener:Listener",
    title: "ELBv2 Listener",
    inputs: listenerInputs,
    records: listeners,
    idOf: ({ arn }) => arn,
    make: (given, { urn }) => listenerOf(given, urn, `${service}: CreateListener`),
    change: ({ arn, urn }, given) => listenerOf(given, urn, `${service}: ModifyListener`, arn),
    outputs: ({ arn }) => ({ arn }),
});
