import { z } from "zod";

import { bucketNameLimit, bucketPrefix, longestBucketSuffix } from "../model/bucketNames";
import { awsRegions } from "../model/providerRegions";

export const awsRegion = z
    .string()
    .refine((name) => name in awsRegions, {
        error: `use an AWS region: ${Object.keys(awsRegions).join(", ")}`,
    })
    .meta({
        title: "AWS region",
        enum: Object.keys(awsRegions),
        enumDescriptions: Object.values(awsRegions).map(({ place }) => place),
    });

export const awsSchema = z
    .strictObject({
        accountId: z
            .string()
            .regex(/^\d{12}$/, 'use the 12 digits of the account, quoted, such as "123456789012"')
            .meta({
                description:
                    "The 12 digits of the account, in quotes. Nothing is created in any other account, whatever " +
                    "credentials are in use.",
                examples: ["123456789012"],
            }),
        region: awsRegion.default("eu-central-1").meta({
            description: "Where the shows and the recordings are stored, and the canary runs.",
            examples: ["eu-central-1"],
        }),
        bucketPrefix: z
            .string()
            .regex(
                /^(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9]([a-z0-9-]*[a-z0-9])$/,
                "use lower-case letters, digits and hyphens, with a letter or digit at both ends, such as radio-example-prod",
            )
            .min(3, "use 3 characters or more")
            .max(
                bucketNameLimit - longestBucketSuffix,
                `use at most ${bucketNameLimit - longestBucketSuffix} characters`,
            )
            .optional()
            .meta({
                description:
                    "How the names of the buckets begin, those of the backup, the recordings and the canary. If you leave it " +
                    "out, it is the domain, with hyphens for dots, and the name of the stack.",
                examples: ["radio-example-prod"],
            }),
    })
    .meta({ description: "The account at Amazon. The canary, the backup and the recordings need it." });

export type AwsConfig = z.output<typeof awsSchema>;

/** Room for the stack's name in names of buckets, as far as it is not known here. */
const usualStackName = "preprod";

interface StationWithBuckets {
    domain: string;
    aws?: AwsConfig | undefined;
    backup: object | "none";
    recordings: object | "none";
    canary?: object | undefined;
}

/** Adds a mistake for a domain that cannot begin the names of buckets, if the station has any and no prefix for them. */
export function refuseBucketMistakes(station: StationWithBuckets, context: z.core.$RefinementCtx): void {
    const { domain, aws, backup, recordings, canary } = station;
    if ((backup === "none" && recordings === "none" && !canary) || aws?.bucketPrefix !== undefined) {
        return;
    }
    const prefix = bucketPrefix(domain, usualStackName);
    const mistake =
        prefix.length + longestBucketSuffix > bucketNameLimit
            ? "it makes the names of buckets too long"
            : /^(xn--|sthree-|amzn-s3-demo-)/.test(prefix)
              ? "the name of a bucket must not begin like this"
              : undefined;
    if (mistake !== undefined) {
        const message = `${mistake}; give aws.bucketPrefix, such as my-station-prod`;
        context.addIssue({ code: "custom", path: ["domain"], input: domain, message });
    }
}
