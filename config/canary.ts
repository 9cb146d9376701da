import { z } from "zod";

import { daysPerMonth, maximumUsdPerDay, restingUsdPerDay, targetMbps, typeOf } from "../model/canaryCosts";
import { listenersCarried, listenersSent } from "../model/capacity";
import type { Place } from "../model/geography";
import { amazonPrices, type InstanceTypeFacts } from "../model/prices";
import { awsRegions } from "../model/providerRegions";
import type { AwsConfig } from "./aws";
import { instanceDrainLimitSeconds, type RolloutConfig } from "./rollout";

const { instanceTypes } = amazonPrices;

const wholeNumber = (what: string, least: number, most: number) => {
    const message = `use a whole number of ${what}, ${least} to ${most}`;
    return z.int({ error: message }).min(least, message).max(most, message);
};

export const canarySchema = z
    .strictObject({
        instanceType: z
            .string()
            .refine((name) => name in instanceTypes, {
                error: `use an instance type: ${Object.keys(instanceTypes).join(", ")}`,
            })
            .meta({
                title: "Instance type",
                enum: Object.keys(instanceTypes),
                enumDescriptions: Object.values(instanceTypes).map(
                    ({ architecture, vcpus, memoryMiB, baselineMbps }) =>
                        `${architecture}, ${vcpus} vCPU, ${memoryMiB} MiB of memory, sends ${baselineMbps} Mbit/s all day`,
                ),
            })
            .default("t4g.small")
            .meta({ description: "EC2 type of the instances.", examples: ["t4g.medium"] }),
        zones: z
            .array(z.string())
            .min(2, "name two zones or more, such as eu-central-1a and eu-central-1b: one may fail")
            .max(6, "use at most 6 zones")
            .meta({
                description:
                    "Availability zones of aws.region. The load balancer has an address in each of them.",
                uniqueItems: true,
                examples: [["eu-central-1a", "eu-central-1b"]],
            }),
        minInstances: wholeNumber("instances", 1, 50)
            .default(1)
            .meta({
                description: "How many instances always run. At most maxInstances.",
                unit: "instances",
                examples: [2],
            }),
        maxInstances: wholeNumber("instances", 1, 50)
            .default(6)
            .meta({
                description: "How many instances run at most. This limits the cost.",
                unit: "instances",
                examples: [10],
            }),
        share: z
            .number({ error: "use a number from 0.01 to 1, such as 0.1" })
            .min(0.01, "use 0.01 to 1: weights in DNS have two decimals")
            .max(1, "use 0.01 to 1: a Relay weighs 1")
            .multipleOf(0.01, "use two decimals: DNS knows no finer weights")
            .default(0.1)
            .meta({
                description:
                    "The canary's weight in the pool of the nearest region, where a Relay weighs 1. Two decimals at " +
                    "most.",
                unit: "weight of a Relay",
                examples: [0.25],
            }),
        targetMbps: z
            .number({ error: "use a number of Mbit/s, such as 90" })
            .positive("use a number above 0")
            .optional()
            .meta({
                description:
                    "Traffic of an instance above which another one starts. If you leave it out, it is 70 % of what " +
                    "the instance type may send all day.",
                unit: "Mbit/s",
                examples: [90],
            }),
        warmUpSeconds: wholeNumber("seconds", 10, 3600)
            .default(180)
            .meta({
                description: "Time after the start of an instance during which its traffic is not counted.",
                unit: "seconds",
                examples: [180],
            }),
        readySeconds: wholeNumber("seconds", 30, 900)
            .default(300)
            .meta({
                description:
                    "How long an instance may take to become healthy once it has its secrets. After that the " +
                    "instance is terminated, and the change that started it fails.",
                unit: "seconds",
                examples: [300],
            }),
        budget: z
            .strictObject({
                monthlyUsd: z
                    .number({ error: "use a number of US dollars" })
                    .positive("use a number above 0")
                    .meta({
                        description:
                            "What the account may cost in a month. It must be more than the canary costs without " +
                            "listeners.",
                        unit: "US dollars",
                        examples: [100],
                    }),
                emails: z
                    .array(
                        z.email({ error: "use an address that somebody reads, such as tech@radio.example" }),
                    )
                    .min(1, "name at least one address that gets the warning")
                    .max(10, "use at most 10 addresses, as Amazon does")
                    .meta({
                        description: "Addresses that the warning is sent to.",
                        examples: [["tech@radio.example"]],
                    }),
            })
            .meta({
                description:
                    "A warning by mail when the account's costs reach 80 % of the budget, or are expected to exceed it.",
            }),
    })
    .meta({
        description:
            "A Relay at Amazon that always runs, serves a small share of the listeners and gets every change first. " +
            "More of them start when the droplets cannot serve. Optional; needs aws.",
    });

export type CanaryConfig = z.output<typeof canarySchema>;

/** A station, as far as its canary needs to know it. */
export interface CanaryStation {
    aws?: AwsConfig;
    canary?: CanaryConfig;
    channels: readonly { formats: readonly { bitrateKbps: number }[] }[];
}

/** Adds a mistake for everything about the canary that the schema alone cannot tell. */
export function refuseCanaryMistakes(station: CanaryStation, context: z.core.$RefinementCtx): void {
    const { canary, aws } = station;
    if (!canary) {
        return;
    }
    const refuse = (path: PropertyKey[], input: unknown, message: string): void => {
        context.addIssue({ code: "custom", path: ["canary", ...path], input, message });
    };
    if (!aws) {
        context.addIssue({
            code: "custom",
            path: ["aws"],
            input: undefined,
            message: 'the canary runs at Amazon; give { accountId: "123456789012", region: eu-central-1 }',
        });
    }
    canary.zones.forEach((zone, index) => {
        if (aws && !(zone.startsWith(aws.region) && /^[a-z]$/.test(zone.slice(aws.region.length)))) {
            const examples = ["a", "b"].map((letter) => aws.region + letter).join(" or ");
            refuse(["zones", index], zone, `use a zone of ${aws.region}, such as ${examples}`);
        } else if (canary.zones.indexOf(zone) !== index) {
            refuse(["zones", index], zone, "use each zone once");
        }
    });
    if (canary.minInstances > canary.maxInstances) {
        const { minInstances, maxInstances } = canary;
        const remedy = `use at most ${maxInstances}, or raise maxInstances`;
        refuse(["minInstances"], minInstances, remedy);
    }
    // An unknown type has been named by the schema, which goes on all the same.
    if (!(canary.instanceType in instanceTypes)) {
        return;
    }
    const { baselineMbps } = typeOf(canary);
    if (canary.targetMbps !== undefined && canary.targetMbps > baselineMbps) {
        const remedy = `${canary.instanceType} can send ${baselineMbps} Mbit/s all day; use at most that, or a larger type`;
        refuse(["targetMbps"], canary.targetMbps, remedy);
    }
    const idle = aws && Math.ceil(restingUsdPerDay(canary, aws.region) * daysPerMonth);
    if (idle !== undefined && canary.budget.monthlyUsd < idle) {
        const remedy = `without any listener the canary costs ${idle} US dollars a month; use ${idle} or more`;
        refuse(["budget", "monthlyUsd"], canary.budget.monthlyUsd, remedy);
    }
}

/** The canary and its group, with all that follows from the configuration worked out. */
export interface CanaryPlan extends Omit<CanaryConfig, "targetMbps"> {
    region: string;
    accountId: string;
    place: Place;
    /** How long an instance that is about to stop keeps its listeners. */
    drainLimitSeconds: number;
    /** How many listeners it closes in a second when their time is over. */
    closePerSecond: number;
    architecture: InstanceTypeFacts["architecture"];
    /** Listeners at which one instance is full. */
    listenerLimit: number;
    /** What an instance is to send before another one starts. */
    targetMbps: number;
    /** The most that a day may cost: every instance there may be, sending all day what it is to send. */
    maximumUsdPerDay: number;
    /** A day on which nobody listens. */
    restingUsdPerDay: number;
}

/** @returns nothing where the station has no canary. */
export function planCanary(station: CanaryStation & { rollout: RolloutConfig }): CanaryPlan | undefined {
    const { canary, aws } = station;
    if (!canary || !aws) {
        return undefined;
    }
    const facts = awsRegions[aws.region];
    if (!facts) {
        throw new Error(`there is no region ${aws.region}`);
    }
    const bitrates = station.channels.flatMap(({ formats }) => formats.map((format) => format.bitrateKbps));
    return {
        ...canary,
        region: aws.region,
        accountId: aws.accountId,
        place: { latitude: facts.latitude, longitude: facts.longitude },
        drainLimitSeconds: instanceDrainLimitSeconds(station.rollout),
        closePerSecond: station.rollout.closePerSecond,
        architecture: typeOf(canary).architecture,
        listenerLimit: instanceListenerLimit(canary.instanceType, Math.max(...bitrates)),
        targetMbps: targetMbps(canary),
        maximumUsdPerDay: roundCents(maximumUsdPerDay(canary, aws.region)),
        restingUsdPerDay: roundCents(restingUsdPerDay(canary, aws.region)),
    };
}

/**
 * Listeners over TLS that one instance carries at most.
 *
 * By its cores and memory as a droplet (`listenersCarried`); and by what it may send in a burst, which has
 * to last until others have started.
 *
 * @param bitrateKbps of the largest format, which all of them might choose
 */
export function instanceListenerLimit(instanceType: string, bitrateKbps: number): number {
    const facts = typeOf({ instanceType });
    return Math.min(listenersCarried(facts), listenersSent(facts.burstMbps, bitrateKbps));
}

/** Up, because it is said to be the most. */
function roundCents(usd: number): number {
    return Math.ceil(usd * 100) / 100;
}
