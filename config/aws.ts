import { z } from "zod";

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
            description: "Where the shows are stored and the canary runs.",
            examples: ["eu-central-1"],
        }),
    })
    .meta({ description: "The account at Amazon. The canary and the backup need it." });

export type AwsConfig = z.output<typeof awsSchema>;
