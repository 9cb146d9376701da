import * as ssm from "@pulumi/aws/ssm";
import type * as pulumi from "@pulumi/pulumi";

import { deliveredSecrets } from "../machine/givenSecrets";
import { linkLoginName } from "../machine/secrets";
import { relaySecrets } from "../relayPool/render";
import type { StationAuthority } from "../stationAuthority";
import type { StationCredentials } from "../stationCredentials";
import type { CanaryNames } from "./access";

export interface CanaryParametersArgs {
    names: CanaryNames;
    authority: StationAuthority;
    credentials: StationCredentials;
}

/** Size of a standard parameter. */
const limitBytes = 4096;

/** Parameters: the secrets, and the report that instances write. */
export function createParameters(
    name: string,
    { names, credentials, authority }: CanaryParametersArgs,
    parent: pulumi.Resource,
): pulumi.Resource[] {
    const secrets = new ssm.Parameter(
        `${name}-secrets`,
        {
            name: names.secrets,
            description: "Secrets of the canary's instances",
            type: "SecureString",
            value: deliveredSecrets(
                relaySecrets({}),
                {
                    values: { [linkLoginName]: credentials.linkLogin },
                    files: { "ca.pem": authority.trustedPem },
                },
                parent,
            ).apply(checkedSecrets),
        },
        { parent },
    );
    const report = new ssm.Parameter(
        `${name}-report`,
        {
            name: names.report,
            description: "Why the last unhealthy instance was not healthy",
            type: "String",
            value: "nothing yet",
        },
        // Instances write it.
        { parent, ignoreChanges: ["value"] },
    );
    return [secrets, report];
}

/** @throws when the secrets are larger than one parameter; the message does not show them. */
export function checkedSecrets(text: string): string {
    const size = Buffer.byteLength(text);
    if (size > limitBytes) {
        throw new Error(
            `the secrets of the canary have ${size} bytes, and a parameter holds ${limitBytes}; ` +
                `deliver fewer certificates to it`,
        );
    }
    return text;
}
