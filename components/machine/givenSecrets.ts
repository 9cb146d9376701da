import * as pulumi from "@pulumi/pulumi";

import { difference, type SecretNames } from "./secrets";

/** What a machine must not learn from its user data, by name. */
export interface MachineSecrets {
    values: Record<string, pulumi.Input<string>>;
    files: Record<string, pulumi.Input<string>>;
}

/**
 * The secrets as `aerial-secrets` reads them: one JSON text, itself secret.
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
        const reason = difference(needed[kind], Object.keys(given[kind]));
        if (reason !== undefined) {
            throw new pulumi.ResourceError(`the secrets (${kind}) of this machine: ${reason}`, owner);
        }
    }
    return pulumi.secret(pulumi.jsonStringify(given));
}
