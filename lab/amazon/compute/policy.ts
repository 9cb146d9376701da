import { randomUUID } from "node:crypto";

import { z } from "zod";

import { ensureDaemon } from "../daemon";
import { refuse } from "../errors";
import { region, text } from "../inputs";
import { amazonKind } from "../kind";
import { groups, policies } from "../records";

const inputs = z.strictObject({
    region,
    name: text.optional(),
    autoscalingGroupName: text,
    policyType: z.literal("TargetTrackingScaling", { error: "the lab's groups track targets only" }),
    estimatedInstanceWarmup: z.int().min(0).optional(),
    targetTrackingConfiguration: z.strictObject({
        targetValue: z.number().positive("expected target_value to be greater than 0"),
        predefinedMetricSpecification: z.strictObject({
            predefinedMetricType: z.literal("ASGAverageNetworkOut", {
                error: "the lab's groups know ASGAverageNetworkOut only",
            }),
        }),
    }),
});

function settingsOf(given: z.output<typeof inputs>) {
    if (!groups.get(given.autoscalingGroupName)) {
        const said = "Group not found: AutoScalingGroup name not found - null";
        refuse("Auto Scaling: PutScalingPolicy", "ValidationError", said);
    }
    const { targetValue } = given.targetTrackingConfiguration;
    const warmupSeconds = given.estimatedInstanceWarmup;
    return { targetBytes: targetValue, warmupSeconds };
}

/** What makes a group grow and shrink by its load. Its id is its name, as the real provider's; one of that name is overwritten. */
export const policy = amazonKind({
    type: "aws:autoscaling/policy:Policy",
    title: "Auto Scaling Policy",
    inputs,
    records: policies,
    idOf: ({ name }) => name,
    key: (name, { autoscalingGroupName }) => `${autoscalingGroupName} ${name}`,

    make(given, context) {
        const { region, autoscalingGroupName: group, name = context.name } = given;
        const arn =
            `arn:aws:autoscaling:${region}:${context.account}:scalingPolicy:${randomUUID()}:` +
            `autoScalingGroupName/${group}:policyName/${name}`;
        return { urn: context.urn, region, arn, name, group, ...settingsOf(given) };
    },
    change: (record, given) => ({ ...record, ...settingsOf(given) }),
    outputs: ({ arn, name }) => ({ arn, name }),
    afterwards: ensureDaemon,
});
