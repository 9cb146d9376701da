import { randomUUID } from "node:crypto";

import { z } from "zod";

import { resourceKind, type Context } from "../../cloud/kind";
import { labMode } from "../../cloud/mode";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing, nameFrom } from "./api";
import { subnets, templates, versionOf, type TemplateRecord } from "./cloud";
import { durationMs, waitForCapacity, waitForEmpty, wakeDaemon } from "./daemon";
import { forgetGroup } from "./forget";
import { groups, refreshes, targetGroups, type GroupRecord } from "./groups";
import { arn, between, oneOf, region, text } from "./inputs";

/** How long a group's removal waits for its instances, in ms, beyond what its listeners may take to leave. */
const emptyWaitMs = 120_000;

const hook = z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_/-]{1,255}$/, "no spaces or special characters except '_', '/', '-'"),
    lifecycleTransition: z.literal("autoscaling:EC2_INSTANCE_LAUNCHING", {
        error: "the lab's groups have hooks at the launch of instances only",
    }),
    defaultResult: oneOf(["ABANDON", "CONTINUE"]).default("ABANDON"),
    heartbeatTimeout: between(30, 7200).default(3600),
});

const refreshInputs = z.strictObject({
    strategy: z.literal("Rolling", { error: "expected strategy to be one of [Rolling]" }),
    triggers: z.array(z.enum(["tag"])).optional(),
    preferences: z
        .strictObject({
            minHealthyPercentage: between(0, 100).default(90),
            maxHealthyPercentage: between(100, 200).optional(),
            instanceWarmup: z.string().regex(/^\d+$/, "expected a number of seconds").optional(),
            autoRollback: z.literal(false, { error: "the lab's groups do not roll back" }).optional(),
            skipMatching: z.boolean().optional(),
        })
        .optional(),
});

const inputs = z.strictObject({
    region,
    name: z.string().min(1).max(255).optional(),
    namePrefix: z.string().min(1).max(229).optional(),
    minSize: z.int().min(0),
    maxSize: z.int().min(0),
    desiredCapacity: z.int().min(0).optional(),
    launchTemplate: z.strictObject({
        id: text.optional(),
        name: text.optional(),
        version: z.string().default("$Default"),
    }),
    vpcZoneIdentifiers: z.array(text).min(1, "At least one Availability Zone or VPC Subnet is required."),
    targetGroupArns: z.array(arn("elasticloadbalancing")).default([]),
    healthCheckType: oneOf(["EC2", "ELB"]).default("EC2"),
    healthCheckGracePeriod: z.int().min(0).default(300),
    defaultCooldown: z.int().min(0).default(300),
    defaultInstanceWarmup: z.int().min(0).optional(),
    initialLifecycleHooks: z.array(hook).default([]),
    instanceRefresh: refreshInputs.optional(),
    tags: z
        .array(z.strictObject({ key: text, value: z.string(), propagateAtLaunch: z.boolean() }))
        .optional(),
    terminationPolicies: z.array(oneOf(["Default"])).optional(),
    protectFromScaleIn: z.literal(false, { error: "the lab's groups protect no instances" }).optional(),
    forceDelete: z.boolean().default(false),
    waitForCapacityTimeout: z
        .string()
        .refine((value) => durationMs(value) !== undefined, "expected a duration such as 10m")
        .default("10m"),
});
type Inputs = z.output<typeof inputs>;

function refuse(operation: string, reason: string): never {
    throw new AwsError(`Auto Scaling: ${operation}`, "ValidationError", reason);
}

function templateOf(given: Inputs, operation: string): TemplateRecord {
    const { id, name, version } = given.launchTemplate;
    const found = templates.all().find((one) => (id === undefined ? one.name === name : one.id === id));
    if (found?.region !== given.region) {
        refuse(
            operation,
            `You must use a valid fully-formed launch template. The specified launch template, with template ` +
                `${id === undefined ? `name ${name}` : `ID ${id}`}, does not exist.`,
        );
    }
    if (!versionOf(found, version)) {
        refuse(
            operation,
            `You must use a valid fully-formed launch template. Could not find launch template version ${version}`,
        );
    }
    return found;
}

function check(given: Inputs, operation: string): TemplateRecord {
    const { minSize, maxSize, desiredCapacity: desired } = given;
    if (minSize > maxSize) {
        refuse(
            operation,
            "Max bound, 0, must be greater than or equal to min bound, 1"
                .replace("0", String(maxSize))
                .replace("1", String(minSize)),
        );
    }
    if (desired !== undefined && (desired < minSize || desired > maxSize)) {
        const [word, bound] = desired < minSize ? ["min", minSize] : ["max", maxSize];
        const relation = word === "min" ? "above" : "below";
        refuse(
            operation,
            `Desired capacity:${desired} must be ${relation} the specified ${word} value:${bound}`,
        );
    }
    const template = templateOf(given, operation);
    const places = given.vpcZoneIdentifiers.map((id) => {
        const subnet = subnets.get(id);
        if (subnet?.region !== given.region) {
            refuse(operation, `The subnet ID '${id}' does not exist`);
        }
        if (!subnet.mapPublicIp && labMode() === "machines") {
            throw new Error(`subnet ${id} has mapPublicIpOnLaunch off; the lab's instances are all public`);
        }
        return subnet;
    });
    if (new Set(places.map(({ vpcId }) => vpcId)).size > 1) {
        refuse(operation, "The subnets of a group must all be in one VPC");
    }
    for (const id of given.targetGroupArns) {
        const group = targetGroups.get(id);
        if (!group) {
            refuse(operation, `Provided Target Groups may not be valid: ${id}`);
        }
        if (group.vpcId !== places[0]?.vpcId) {
            refuse(operation, `Target group '${group.name}' is in another VPC than the group's subnets`);
        }
    }
    return template;
}

/** What the program wants; the rest is the group's own history. */
function wishesOf(given: Inputs, template: TemplateRecord) {
    const propagated = (given.tags ?? []).filter(({ propagateAtLaunch }) => propagateAtLaunch);
    return {
        min: given.minSize,
        max: given.maxSize,
        templateId: template.id,
        templateVersion: given.launchTemplate.version,
        subnetIds: given.vpcZoneIdentifiers,
        targetGroupArns: given.targetGroupArns,
        healthCheckType: given.healthCheckType,
        graceSeconds: given.healthCheckGracePeriod,
        cooldownSeconds: given.defaultCooldown,
        warmupSeconds: given.defaultInstanceWarmup,
        hooks: given.initialLifecycleHooks.map((one) => ({
            name: one.name,
            heartbeatSeconds: one.heartbeatTimeout,
            defaultResult: one.defaultResult,
        })),
        tags: Object.fromEntries(propagated.map(({ key, value }) => [key, value])),
    };
}

function outputsOf(group: GroupRecord) {
    const zones = group.subnetIds.flatMap((id) => subnets.get(id)?.zone ?? []);
    return {
        name: group.name,
        arn: group.arn,
        availabilityZones: [...new Set(zones)].sort(),
        desiredCapacity: group.desired,
    };
}

/** The real provider starts one when the template that the group names has changed, and ends one under way. */
function startRefresh(group: GroupRecord, given: z.output<typeof refreshInputs>, version: number): void {
    for (const one of refreshes.all().filter((old) => old.group === group.name)) {
        if (one.status === "InProgress") {
            const reason = "Cancelled: a newer refresh has begun";
            refreshes.put(one.id, { ...one, status: "Cancelled", reason, endedAt: Date.now() });
        }
    }
    const id = randomUUID();
    refreshes.put(id, {
        ...{ id, group: group.name, status: "InProgress", templateId: group.templateId },
        templateVersion: version,
        minHealthyPercentage: given.preferences?.minHealthyPercentage ?? 90,
        warmupSeconds: Number(given.preferences?.instanceWarmup ?? group.warmupSeconds ?? group.graceSeconds),
        ...{ startedAt: Date.now(), percentage: 0, toUpdate: group.desired },
    });
}

async function createGroup(given: Inputs, context: Context): Promise<GroupRecord> {
    return exclusively(async () => {
        const operation = "CreateAutoScalingGroup";
        const name = given.name ?? nameFrom(given.namePrefix ?? "terraform-");
        const template = check(given, operation);
        if (groups.get(name)) {
            throw new AwsError(
                `Auto Scaling: ${operation}`,
                "AlreadyExists",
                "AutoScalingGroup by this name already exists - A group with the name " +
                    `${name} already exists`,
            );
        }
        const account = accountFor(context);
        const record: GroupRecord = {
            ...{ urn: context.urn, region: given.region, name },
            arn: `arn:aws:autoscaling:${given.region}:${account}:autoScalingGroup:${randomUUID()}:autoScalingGroupName/${name}`,
            ...wishesOf(given, template),
            desired: given.desiredCapacity ?? given.minSize,
            ...{ deleting: false, failures: 0, failedAt: 0, createdAt: Date.now() },
        };
        groups.put(name, record);
        return record;
    });
}

export const group = resourceKind({
    type: "aws:autoscaling/group:Group",
    inputs,
    fromProvider: ["region"],
    sets: ["targetGroupArns", "vpcZoneIdentifiers"],

    create: (given, context) =>
        doing("creating Auto Scaling Group", async () => {
            const record = await createGroup(given, context);
            try {
                await wakeDaemon();
                await waitForCapacity(record, given.waitForCapacityTimeout);
            } catch (error) {
                await removeGroup(record.name, true);
                throw error;
            }
            return { id: record.name, outputs: outputsOf(groups.get(record.name) ?? record) };
        }),

    read: async ({ id, outputs }) => {
        const record = groups.get(id);
        return record && { ...outputs, ...outputsOf(record) };
    },

    update: ({ id, inputs: before }, given) =>
        doing(`updating Auto Scaling Group (${id})`, async () => {
            const changed = await exclusively(async () => {
                const operation = "UpdateAutoScalingGroup";
                const record = groups.get(id);
                if (!record) {
                    refuse(operation, "AutoScalingGroup name not found - null");
                }
                const template = check(given, operation);
                const wanted =
                    given.desiredCapacity === before.desiredCapacity ? undefined : given.desiredCapacity;
                const desired = Math.min(Math.max(wanted ?? record.desired, given.minSize), given.maxSize);
                const next: GroupRecord = { ...record, ...wishesOf(given, template), desired, failures: 0 };
                groups.put(id, next);
                const moved =
                    next.templateId !== record.templateId || next.templateVersion !== record.templateVersion;
                const version = versionOf(template, next.templateVersion);
                if (moved && given.instanceRefresh && version) {
                    startRefresh(next, given.instanceRefresh, version.number);
                }
                return next;
            });
            await wakeDaemon();
            return outputsOf(changed);
        }),

    delete: ({ id, inputs: given }) =>
        doing(`deleting Auto Scaling Group (${id})`, () => removeGroup(id, given.forceDelete)),
});

/** Removes a group: its listeners may leave first, unless `force` is given. */
export async function removeGroup(name: string, force: boolean): Promise<void> {
    const group = await exclusively(async () => {
        const record = groups.get(name);
        if (record) {
            groups.put(name, { ...record, min: 0, desired: 0, deleting: true });
        }
        return record;
    });
    if (!group) {
        return;
    }
    if (labMode() === "machines" && !force) {
        await wakeDaemon();
        const drains = group.targetGroupArns.map((one) => targetGroups.get(one)?.drainSeconds ?? 0);
        await waitForEmpty(name, emptyWaitMs + Math.max(0, ...drains) * 1000);
    }
    await forgetGroup(name);
}
