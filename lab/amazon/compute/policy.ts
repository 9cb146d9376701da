import { randomUUID } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing } from "./api";
import { wakeDaemon } from "./daemon";
import { groups, policies, type PolicyRecord } from "./groups";
import { region, text } from "./inputs";

const inputs = z.strictObject({
    region,
    name: text.optional(),
    autoscalingGroupName: text,
    policyType: z.literal("TargetTrackingScaling", { error: "the lab's groups track targets only" }),
    enabled: z.boolean().default(true),
    estimatedInstanceWarmup: z.int().min(0).optional(),
    targetTrackingConfiguration: z.strictObject({
        targetValue: z.number().positive("expected target_value to be greater than 0"),
        disableScaleIn: z.boolean().default(false),
        predefinedMetricSpecification: z.strictObject({
            predefinedMetricType: z.literal("ASGAverageNetworkOut", {
                error: "the lab's groups know ASGAverageNetworkOut only",
            }),
        }),
    }),
});
type Inputs = z.output<typeof inputs>;

function recordOf(given: Inputs, name: string, arn: string, urn: string): PolicyRecord {
    if (!groups.get(given.autoscalingGroupName)) {
        throw new AwsError(
            "Auto Scaling: PutScalingPolicy",
            "ValidationError",
            "Group not found: AutoScalingGroup name not found - null",
        );
    }
    const { targetValue, disableScaleIn } = given.targetTrackingConfiguration;
    return {
        ...{ urn, region: given.region, arn, name, group: given.autoscalingGroupName },
        ...{ targetBytes: targetValue, disableScaleIn, enabled: given.enabled },
        warmupSeconds: given.estimatedInstanceWarmup,
    };
}

/** A policy is known by its group and its name, whoever made it. */
function remove(group: string, name: string): void {
    for (const { arn } of policies.all().filter((one) => one.group === group && one.name === name)) {
        policies.remove(arn);
    }
}

/** What makes a group grow and shrink by its load. Its id is its name, as the real provider's. */
export const policy = resourceKind({
    type: "aws:autoscaling/policy:Policy",
    inputs,
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating Auto Scaling Policy", async () => {
            const name = given.name ?? context.name;
            const group = given.autoscalingGroupName;
            const arn =
                `arn:aws:autoscaling:${given.region}:${accountFor(context)}:scalingPolicy:${randomUUID()}:` +
                `autoScalingGroupName/${group}:policyName/${name}`;
            await exclusively(async () => {
                const record = recordOf(given, name, arn, context.urn);
                // One of the same name is overwritten.
                remove(group, name);
                policies.put(arn, record);
            });
            await wakeDaemon();
            return { id: name, outputs: { arn, name } };
        }),

    read: async ({ outputs }) => (policies.get(String(outputs.arn)) ? outputs : undefined),

    update: ({ outputs }, given, { urn }) =>
        doing(`updating Auto Scaling Policy (${String(outputs.name)})`, async () => {
            const [arn, name] = [String(outputs.arn), String(outputs.name)];
            await exclusively(async () => policies.put(arn, recordOf(given, name, arn, urn)));
            return {};
        }),

    delete: ({ inputs: given, outputs }) =>
        exclusively(async () => remove(given.autoscalingGroupName, String(outputs.name))),
});
