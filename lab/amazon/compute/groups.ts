import { z } from "zod";

import { Records } from "../../cloud/records";
import { origin } from "./cloud";

/*
 * What the lab's Auto Scaling and Elastic Load Balancing hold. The program's wishes are written by the provider, what
 * becomes of them by the daemon (lab/amazon/daemon): both change a record only within `exclusively`, and read it anew there.
 */

const hook = z.object({
    name: z.string(),
    heartbeatSeconds: z.int(),
    defaultResult: z.enum(["ABANDON", "CONTINUE"]),
});
export type HookRecord = z.infer<typeof hook>;

const groupRecord = z.object({
    ...origin,
    name: z.string(),
    arn: z.string(),
    min: z.int(),
    max: z.int(),
    desired: z.int(),
    templateId: z.string(),
    /** A number, `$Latest` or `$Default`. */
    templateVersion: z.string(),
    subnetIds: z.array(z.string()),
    targetGroupArns: z.array(z.string()),
    healthCheckType: z.enum(["EC2", "ELB"]),
    graceSeconds: z.int(),
    cooldownSeconds: z.int(),
    warmupSeconds: z.int().optional(),
    hooks: z.array(hook),
    /** Those that instances get. */
    tags: z.record(z.string(), z.string()),
    /** All instances are to go, and then the group. */
    deleting: z.boolean(),
    /** Failed launches without a good one in between, and when the last was: it is tried again ever later. */
    failures: z.int(),
    failedAt: z.number(),
    createdAt: z.number(),
});
export type GroupRecord = z.infer<typeof groupRecord>;

export const lifecycles = ["Pending", "Pending:Wait", "InService", "Terminating"] as const;

const instanceRecord = z.object({
    ...origin,
    id: z.string(),
    group: z.string(),
    name: z.string(),
    zone: z.string(),
    subnetId: z.string(),
    address: z.string(),
    privateAddress: z.string(),
    templateId: z.string(),
    /** A number by now. */
    templateVersion: z.int(),
    lifecycle: z.enum(lifecycles),
    /** Whether its machine has been made. */
    booted: z.boolean(),
    launchedAt: z.number(),
    hook: z
        .object({
            name: z.string(),
            token: z.string(),
            deadline: z.number(),
            /** The answer that has come. */
            result: z.enum(["ABANDON", "CONTINUE"]).optional(),
        })
        .optional(),
    inServiceAt: z.number().optional(),
    terminatingAt: z.number().optional(),
    /** Why it terminates, as the group's activities say it. */
    reason: z.string().optional(),
    /** Whether its launch failed, rather than that it is wanted no more. */
    failed: z.boolean().optional(),
});
export type InstanceRecord = z.infer<typeof instanceRecord>;

const activityRecord = z.object({
    id: z.string(),
    group: z.string(),
    description: z.string(),
    cause: z.string(),
    status: z.enum(["InProgress", "Successful", "Failed", "WaitingForELBConnectionDraining"]),
    message: z.string().optional(),
    startedAt: z.number(),
    endedAt: z.number().optional(),
});
export type ActivityRecord = z.infer<typeof activityRecord>;

export const refreshStates = ["InProgress", "Successful", "Failed", "Cancelled"] as const;

const refreshRecord = z.object({
    id: z.string(),
    group: z.string(),
    status: z.enum(refreshStates),
    reason: z.string().optional(),
    templateId: z.string(),
    templateVersion: z.int(),
    minHealthyPercentage: z.int(),
    warmupSeconds: z.int(),
    startedAt: z.number(),
    endedAt: z.number().optional(),
    percentage: z.int(),
    toUpdate: z.int(),
});
export type RefreshRecord = z.infer<typeof refreshRecord>;

const policyRecord = z.object({
    ...origin,
    arn: z.string(),
    name: z.string(),
    group: z.string(),
    targetBytes: z.number(),
    disableScaleIn: z.boolean(),
    warmupSeconds: z.int().optional(),
    enabled: z.boolean(),
});
export type PolicyRecord = z.infer<typeof policyRecord>;

const loadBalancerRecord = z.object({
    ...origin,
    arn: z.string(),
    name: z.string(),
    vpcId: z.string(),
    dnsName: z.string(),
    crossZone: z.boolean(),
    securityGroupIds: z.array(z.string()),
    mappings: z.array(
        z.object({ subnetId: z.string(), zone: z.string(), allocationId: z.string(), address: z.string() }),
    ),
});
export type LoadBalancerRecord = z.infer<typeof loadBalancerRecord>;

const healthCheck = z.object({
    protocol: z.enum(["TCP", "HTTP"]),
    path: z.string(),
    /** A number or `traffic-port`. */
    port: z.string(),
    intervalSeconds: z.int(),
    timeoutSeconds: z.int(),
    healthy: z.int(),
    unhealthy: z.int(),
    matcher: z.string(),
});
export type HealthCheck = z.infer<typeof healthCheck>;

const targetGroupRecord = z.object({
    ...origin,
    arn: z.string(),
    name: z.string(),
    vpcId: z.string(),
    port: z.int(),
    drainSeconds: z.int(),
    check: healthCheck,
});
export type TargetGroupRecord = z.infer<typeof targetGroupRecord>;

const listenerRecord = z.object({
    ...origin,
    arn: z.string(),
    loadBalancerArn: z.string(),
    port: z.int(),
    targetGroupArn: z.string(),
});
export type ListenerRecord = z.infer<typeof listenerRecord>;

const targetRecord = z.object({
    targetGroupArn: z.string(),
    instanceId: z.string(),
    state: z.enum(["initial", "healthy", "unhealthy", "draining"]),
    reason: z.string().optional(),
    /** Whether it has ever been healthy. */
    proven: z.boolean(),
    /** Equal answers in a row that speak against the present state. */
    streak: z.int(),
    /** When the state began. */
    since: z.number(),
});
export type TargetRecord = z.infer<typeof targetRecord>;

/** By name. */
export const groups = new Records("aws-group", groupRecord);
export const instances = new Records("aws-instance", instanceRecord);
export const activities = new Records("aws-activity", activityRecord);
export const refreshes = new Records("aws-refresh", refreshRecord);
/** By ARN. */
export const policies = new Records("aws-scaling-policy", policyRecord);
export const loadBalancers = new Records("aws-load-balancer", loadBalancerRecord);
export const targetGroups = new Records("aws-target-group", targetGroupRecord);
export const listeners = new Records("aws-listener", listenerRecord);
/** By `<target group's ARN> <instance>`. */
export const targets = new Records("aws-target", targetRecord);

export function targetKey(targetGroupArn: string, instanceId: string): string {
    return `${targetGroupArn} ${instanceId}`;
}
