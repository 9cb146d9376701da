import { randomBytes } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing } from "./api";
import { balancerName, shortName } from "./balancer";
import { vpcs } from "./cloud";
import {
    groups,
    listeners,
    loadBalancers,
    targetGroups,
    targets,
    type ListenerRecord,
    type TargetGroupRecord,
} from "./groups";
import { arn, between, oneOf, region, tags, text } from "./inputs";

const service = "Elastic Load Balancing v2";

const healthCheck = z.strictObject({
    enabled: z
        .literal(true, { error: "Health check enabled must be true for target groups of instances" })
        .default(true),
    protocol: oneOf(["HTTP", "TCP"]).default("HTTP"),
    path: z.string().min(1).max(1024).regex(/^\//, "expected a path that begins with /").optional(),
    port: z
        .string()
        .regex(/^(traffic-port|\d{1,5})$/, 'expected a port, or "traffic-port"')
        .default("traffic-port"),
    interval: between(5, 300).default(30),
    timeout: between(2, 120).optional(),
    healthyThreshold: between(2, 10).default(3),
    unhealthyThreshold: between(2, 10).default(3),
    matcher: z
        .string()
        .regex(/^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/, "expected codes such as 200-399")
        .optional(),
});

const inputs = z.strictObject({
    region,
    name: balancerName.optional(),
    namePrefix: z.string().max(6, "cannot be longer than 6 characters").optional(),
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
type Inputs = z.output<typeof inputs>;

function recordOf(given: Inputs, arnOfGroup: string, name: string, urn: string): TargetGroupRecord {
    const check = healthCheck.parse(given.healthCheck ?? {});
    const timeoutSeconds = check.timeout ?? (check.protocol === "HTTP" ? 6 : 10);
    if (check.protocol === "TCP" && (check.path !== undefined || check.matcher !== undefined)) {
        throw new Error("health_check.path and health_check.matcher are not supported for protocol TCP");
    }
    if (timeoutSeconds > check.interval) {
        throw new AwsError(
            `${service}: CreateTargetGroup`,
            "ValidationError",
            `Health check timeout '${timeoutSeconds}' must be smaller than or equal to the interval '${check.interval}'`,
        );
    }
    return {
        ...{ urn, region: given.region, arn: arnOfGroup, name, vpcId: given.vpcId, port: given.port },
        drainSeconds: given.deregistrationDelay,
        check: {
            protocol: check.protocol,
            path: check.path ?? "/",
            port: check.port,
            intervalSeconds: check.interval,
            timeoutSeconds,
            healthy: check.healthyThreshold,
            unhealthy: check.unhealthyThreshold,
            matcher: check.matcher ?? "200-399",
        },
    };
}

function outputsOf(record: TargetGroupRecord, given: Inputs) {
    const suffix = record.arn.split(":").at(-1);
    return { name: record.name, arn: record.arn, arnSuffix: suffix, tagsAll: given.tags ?? {} };
}

export const targetGroup = resourceKind({
    type: "aws:lb/targetGroup:TargetGroup",
    inputs,
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating ELBv2 Target Group", () =>
            exclusively(async () => {
                const name = shortName(given);
                const operation = `${service}: CreateTargetGroup`;
                if (targetGroups.all().some((other) => other.name === name)) {
                    throw new AwsError(
                        operation,
                        "DuplicateTargetGroupName",
                        `A target group with the same name '${name}' exists, but with different settings`,
                    );
                }
                if (vpcs.get(given.vpcId)?.region !== given.region) {
                    throw new AwsError(
                        operation,
                        "ValidationError",
                        `The VPC ID '${given.vpcId}' is not found`,
                    );
                }
                const id = `arn:aws:elasticloadbalancing:${given.region}:${accountFor(context)}:targetgroup/${name}/${randomBytes(8).toString("hex")}`;
                const record = recordOf(given, id, name, context.urn);
                targetGroups.put(id, record);
                return { id, outputs: outputsOf(record, given) };
            }),
        ),

    read: async ({ id, outputs }) => (targetGroups.get(id) ? outputs : undefined),

    update: ({ id, outputs }, given, { urn }) =>
        doing(`updating ELBv2 Target Group (${id})`, () =>
            exclusively(async () => {
                const record = recordOf(given, id, String(outputs.name), urn);
                targetGroups.put(id, record);
                return outputsOf(record, given);
            }),
        ),

    delete: ({ id }) =>
        doing(`deleting ELBv2 Target Group (${id})`, async () => {
            const used =
                listeners.all().some(({ targetGroupArn }) => targetGroupArn === id) ||
                groups.all().some(({ targetGroupArns }) => targetGroupArns.includes(id));
            if (used) {
                throw new AwsError(
                    `${service}: DeleteTargetGroup`,
                    "ResourceInUse",
                    `Target group '${id}' is currently in use by a listener or a rule`,
                );
            }
            await removeTargetGroup(id);
        }),
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
    defaultActions: z
        .tuple([
            z.strictObject({
                type: z.literal("forward", { error: "the lab's balancers forward only" }),
                targetGroupArn: arn("elasticloadbalancing"),
            }),
        ])
        .refine((actions) => actions.length === 1, "a TCP listener has one action"),
    tags: tags.optional(),
});

function listenerFrom(
    given: z.output<typeof listenerInputs>,
    id: string,
    urn: string,
    operation: string,
): ListenerRecord {
    const [{ targetGroupArn }] = given.defaultActions;
    if (!targetGroups.get(targetGroupArn)) {
        throw new AwsError(operation, "TargetGroupNotFound", `Target groups '${targetGroupArn}' not found`);
    }
    const same = listeners
        .all()
        .some(
            (other) =>
                other.arn !== id &&
                other.loadBalancerArn === given.loadBalancerArn &&
                other.port === given.port,
        );
    if (same) {
        throw new AwsError(
            operation,
            "DuplicateListener",
            "A listener already exists on this port for this load balancer",
        );
    }
    return {
        ...{ urn, region: given.region, arn: id, loadBalancerArn: given.loadBalancerArn },
        ...{ port: given.port, targetGroupArn },
    };
}

export const listener = resourceKind({
    type: "aws:lb/listener:Listener",
    inputs: listenerInputs,
    fromProvider: ["region"],

    create: (given, { urn }) =>
        doing(`creating ELBv2 Listener (${given.loadBalancerArn})`, () =>
            exclusively(async () => {
                const operation = `${service}: CreateListener`;
                const balancer = loadBalancers.get(given.loadBalancerArn);
                if (!balancer) {
                    throw new AwsError(
                        operation,
                        "LoadBalancerNotFound",
                        `Load balancer '${given.loadBalancerArn}' not found`,
                    );
                }
                const place = balancer.arn.replace(":loadbalancer/", ":listener/");
                const id = `${place}/${randomBytes(8).toString("hex")}`;
                listeners.put(id, listenerFrom(given, id, urn, operation));
                return { id, outputs: { arn: id, tagsAll: given.tags ?? {} } };
            }),
        ),

    read: async ({ id, outputs }) => (listeners.get(id) ? outputs : undefined),

    update: ({ id }, given, { urn }) =>
        doing(`modifying ELBv2 Listener (${id})`, () =>
            exclusively(async () => {
                listeners.put(id, listenerFrom(given, id, urn, `${service}: ModifyListener`));
                return { tagsAll: given.tags ?? {} };
            }),
        ),

    delete: async ({ id }) => listeners.remove(id),
});
