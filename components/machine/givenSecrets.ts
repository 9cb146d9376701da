import * as pulumi from "@pulumi/pulumi";

import { difference, type SecretGenerations, type SecretNames } from "./secrets";

/** What a machine must not learn from its user data, by name. */
export interface MachineSecrets {
    values: Record<string, pulumi.Input<string>>;
    files: Record<string, pulumi.Input<string>>;
    /** For the words of a preview, which sees no secret; none when absent. Others than the machine's own do not matter. */
    generations?: SecretGenerations;
}

/**
 * The secrets as a delivery holds them: one JSON text, itself secret.
 *
 * @throws ResourceError, also in a preview, when one that the role needs is not given, or one is given that it does not
 * need.
 */
export function deliveredSecrets(
    needed: SecretNames,
    given: MachineSecrets,
    owner: pulumi.Resource,
): pulumi.Output<string> {
    for (const kind of ["values", "files"] as const) {
        const unusable = needed[kind].filter((name) => !/^[a-z0-9][a-z0-9._-]*$/.test(name));
        if (unusable.length > 0) {
            throw new pulumi.ResourceError(
                `the secrets (${kind}) of this machine: a delivery refuses the name ${unusable.join(", ")}; ` +
                    `use lower-case letters, digits, dots and hyphens`,
                owner,
            );
        }
        const reason = difference(needed[kind], Object.keys(given[kind]));
        if (reason !== undefined) {
            throw new pulumi.ResourceError(`the secrets (${kind}) of this machine: ${reason}`, owner);
        }
    }
    const { values, files } = given;
    return pulumi.secret(pulumi.jsonStringify({ values, files }));
}
