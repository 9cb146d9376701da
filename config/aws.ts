import { z } from "zod";

import { awsRegions } from "../model/providerRegions";

export const awsRegion = z.string().refine((name) => name in awsRegions, {
    error: `use an AWS region: ${Object.keys(awsRegions).join(", ")}`,
});

/** The account at Amazon, for what is kept or run there. */
export const awsSchema = z.strictObject({
    /** Twelve digits. Nothing is made in any other account, whatever credentials are at hand. */
    accountId: z
        .string()
        .regex(/^\d{12}$/, 'use the 12 digits of the account, quoted, such as "123456789012"'),
    /** Where shows are kept and emergency Relays run. */
    region: awsRegion.default("eu-central-1"),
});

export type AwsConfig = z.output<typeof awsSchema>;
