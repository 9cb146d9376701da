import { randomUUID } from "node:crypto";

import { z } from "zod";

import { labMode } from "../../cloud/mode";
import { exclusively } from "../../cloud/records";
import { ensureDaemon } from "../daemon";
import { removeGroupAtOnce } from "../daemon/changes";
import { refuse } from "../errors";
import { arn, between, oneOf, region, text } from "../inputs";
import { amazonKind } from "../kind";
import { nameFrom } from "../names";
import {
    groups,
    refreshes,
    subnets,
    targetGroups,
    templates,
    versionOf,
    type GroupRecord,
    type TemplateRecord,
} from "../records";
import { durationMs, waitForCapacity, waitForEmpty } from "./waits";

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
    preferences: z
        .strictObject({
            minHealthyPercentage: between(0, 100).default(90),
            maxHealthyPercentage: between(100, 200).optional(),
            instanceWarmup: z.string().regex(/^\d+$/, "expected a number of seconds").optional(),
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
    waitForCapacityTimeout: z
        .string()
        .refine((value) => durationMs(value) !== undefined, "expected a duration such as 10m")
        .default("10m"),
});
type Inputs = z.output<typeof inputs>;

/** Refuses what the API does; gives the template. */
function checked(given: Inputs, action: string): TemplateRecord {
    const refuseIf = (wrong: boolean, said: string): void => {
        if (wrong) {
            refuse(`Auto Scaling: ${action}`, "ValidationError", said);
        }
    };
    const { minSize: min, maxSize: max, desiredCapacity: desired = min } = given;
    refuseIf(min > max, `Max bound, ${max}, must be greater than or equal to min bound, ${min}`);
    refuseIf(desired < min, `Desired capacity:${desired} must be above the specified min value:${min}`);
    refuseIf(desired > max, `Desired capacity:${desired} must be below the specified max value:${max}`);

    const { id, name, version } = given.launchTemplate;
    const template = templates.all().find((one) => (id === undefined ? one.name === name : one.id === id));
    const use = "You must use a valid fully-formed launch template.";
    if (template?.region !== given.region) {
        const called = id === undefined ? `name ${name}` : `ID ${id}`;
        const said = `${use} The specified launch template, with template ${called}, does not exist.`;
        return refuse(`Auto Scaling: ${action}`, "ValidationError", said);
    }
    refuseIf(!versionOf(template, version), `${use} Could not find launch template version ${version}`);

    const vpcIds = given.vpcZoneIdentifiers.map((subnetId) => {
        const subnet = subnets.get(subnetId);
        refuseIf(subnet?.region !== given.region, `The subnet ID '${subnetId}' does not exist`);
        if (!subnet?.mapPublicIp && labMode() === "machines") {
            throw new Error(
                `subnet ${subnetId} has mapPublicIpOnLaunch off; the lab's instances are all public`,
            );
        }
        return subnet?.vpcId;
    });
    refuseIf(new Set(vpcIds).size > 1, "The subnets of a group must all be in one VPC");
    for (const targetGroupArn of given.targetGroupArns) {
        const targets = targetGroups.get(targetGroupArn);
        refuseIf(!targets, `Provided Target Groups may not be valid: ${targetGroupArn}`);
        refuseIf(
            targets?.vpcId !== vpcIds[0],
            `Target group '${targets?.name}' is in another VPC than the group's subnets`,
        );
    }
    return template;
}

/** What the program wants; the rest is the group's own history. */
function settingsOf(given: Inputs, template: TemplateRecord) {
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
        hooks: given.initialLifecycleHooks.map(({ name, heartbeatTimeout, defaultResult }) => ({
            ...{ name, heartbeatSeconds: heartbeatTimeout, defaultResult },
        })),
        tags: Object.fromEntries(propagated.map(({ key, value }) => [key, value])),
    };
}

/** The real provider starts one when the template that the group names has changed, and ends one under way. */
function startRefresh(group: GroupRecord, given: z.output<typeof refreshInputs>, version: number): void {
    const startedAt = Date.now();
    for (const one of refreshes.all().filter((old) => old.group === group.name)) {
        if (one.status === "InProgress") {
            const reason = "Cancelled: a newer refresh has begun";
            refreshes.put(one.id, { ...one, status: "Cancelled", reason, endedAt: startedAt });
        }
    }
    const id = randomUUID();
    refreshes.put(id, {
        ...{ id, group: group.name, status: "InProgress", templateId: group.templateId },
        templateVersion: version,
        minHealthyPercentage: given.preferences?.minHealthyPercentage ?? 90,
        warmupSeconds: Number(given.preferences?.instanceWarmup ?? group.warmupSeconds ?? group.graceSeconds),
        ...{ startedAt, percentage: 0, toUpdate: group.desired },
    });
}

export const group = amazonKind({
    type: "aws:autoscaling/group:Group",
    title: "Auto Scaling Group",
    inputs,
    sets: ["targetGroupArns", "vpcZoneIdentifiers"],
    records: groups,
    idOf: ({ name }) => name,

    make(given, { urn, account }): GroupRecord {
        const action = "CreateAutoScalingGroup";
        const { region } = given;
        const name = given.name ?? nameFrom(given.namePrefix);
        const template = checked(given, action);
        if (groups.get(name)) {
            const said = `AutoScalingGroup by this name already exists - A group with the name ${name} already exists`;
            refuse(`Auto Scaling: ${action}`, "AlreadyExists", said);
        }
        return {
            ...{ urn, region, name, ...settingsOf(given, template) },
            arn: `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${randomUUID()}:autoScalingGroupName/${name}`,
            desired: given.desiredCapacity ?? given.minSize,
            ...{ deleting: false, failures: 0, failedAt: 0, createdAt: Date.now() },
        };
    },

    change(record, given, { before }) {
        const template = checked(given, "UpdateAutoScalingGroup");
        const wanted = given.desiredCapacity === before.desiredCapacity ? undefined : given.desiredCapacity;
        const desired = Math.min(Math.max(wanted ?? record.desired, given.minSize), given.maxSize);
        const next: GroupRecord = { ...record, ...settingsOf(given, template), desired, failures: 0 };
        const moved =
            next.templateId !== record.templateId || next.templateVersion !== record.templateVersion;
        const version = versionOf(template, next.templateVersion);
        if (moved && given.instanceRefresh && version) {
            startRefresh(next, given.instanceRefresh, version.number);
        }
        return next;
    },

    outputs: ({ name, arn, desired, subnetIds }) => ({
        ...{ name, arn, desiredCapacity: desired },
        availabilityZones: [...new Set(subnetIds.flatMap((id) => subnets.get(id)?.zone ?? []))].sort(),
    }),

    async afterwards({ name }, { waitForCapacityTimeout }, isNew) {
        try {
            await ensureDaemon();
            if (isNew && labMode() === "machines") {
                await waitForCapacity(name, waitForCapacityTimeout);
            }
        } catch (error) {
            if (isNew) {
                await removeGroupAtOnce(name);
            }
            throw error;
        }
    },

    remove: removeGroup,
});

/** Removes a group whose listeners may leave first. */
async function removeGroup(name: string): Promise<void> {
    const group = await exclusively(async () => {
        const record = groups.get(name);
        if (record) {
            groups.put(name, { ...record, min: 0, desired: 0, deleting: true });
        }
        return record;
    });
    if (group && labMode() === "machines") {
        await ensureDaemon();
        const drains = group.targetGroupArns.map((one) => targetGroups.get(one)?.drainSeconds ?? 0);
        await waitForEmpty(name, emptyWaitMs + Math.max(0, ...drains) * 1000);
    }
    await removeGroupAtOnce(name);
}
