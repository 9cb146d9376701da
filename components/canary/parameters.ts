import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import { deliveredSecrets } from "../machine/givenSecrets";
import { packFiles } from "../machine/pack";
import type { MachineRole } from "../machine/role";
import { linkPasswordName } from "../machine/secrets";
import { relaySecrets } from "../relayPool/render";
import type { StationAuthority } from "../stationAuthority";
import type { StationCredentials } from "../stationCredentials";
import type { CanaryNames } from "./access";
import { checkedSecrets, cutPack, pieceCount } from "./pieces";

export interface CanaryParametersArgs {
    names: CanaryNames;
    role: pulumi.Output<MachineRole>;
    authority: StationAuthority;
    credentials: StationCredentials;
}

/** Length of the random part of the files' path, in bytes. */
export const placeBytes = 6;

/** Parameters: the role's files in pieces, the secrets, and the report that instances write. */
export function createParameters(
    name: string,
    { names, role, credentials, authority }: CanaryParametersArgs,
    parent: pulumi.Resource,
): { filesPath: pulumi.Output<string>; all: pulumi.Resource[] } {
    const child = { parent };
    const pack = role.apply(({ files }) => packFiles(files));
    // Other files get another path, so that instances of an older template find theirs until the update has succeeded.
    // The path is random because files can come back after a failed rollout, while Pulumi still has to delete their
    // first parameters.
    const place = new random.RandomId(
        `${name}-files`,
        { byteLength: placeBytes, keepers: { sha256: pack.apply(({ sha256 }) => sha256) } },
        child,
    );
    const filesPath = place.hex.apply((hex) => `${names.files}/${hex}`);
    const texts = pack.apply((packed) => cutPack(packed, name));
    const pieces = Array.from({ length: pieceCount }, (_, index) => {
        const number = String(index + 1).padStart(2, "0");
        return new ssm.Parameter(
            `${name}-files-${number}`,
            {
                name: pulumi.interpolate`${filesPath}/${number}`,
                type: "String",
                value: texts.apply((all) => all[index] ?? ""),
            },
            child,
        );
    });
    const secrets = new ssm.Parameter(
        `${name}-secrets`,
        {
            name: names.secrets,
            description: "Secrets of the canary's instances",
            type: "SecureString",
            value: deliveredSecrets(
                relaySecrets({}),
                {
                    values: { [linkPasswordName]: credentials.linkPassword },
                    files: { "ca.pem": authority.certificatePem },
                },
                parent,
            ).apply(checkedSecrets),
        },
        child,
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
        { ...child, ignoreChanges: ["value"] },
    );
    return { filesPath, all: [...pieces, secrets, report] };
}
