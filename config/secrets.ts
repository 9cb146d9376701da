import * as pulumi from "@pulumi/pulumi";

import { ConfigError } from "./errors";

/** Secrets that a stack's configuration holds beside the station, by the names that the station gives. */
export type StationSecrets = Record<string, pulumi.Output<string>>;

/** A key of the configuration that names a secret. */
interface NamedSecret {
    key: string;
    name: string;
}

/** Every secret that a value names: by its keys that end in `Secret`. */
export function namedSecrets(value: unknown, key = "aerial:station"): NamedSecret[] {
    if (typeof value !== "object" || value === null) {
        return [];
    }
    return Object.entries(value).flatMap(([part, inner]: [string, unknown]) => {
        const path = Array.isArray(value) ? `${key}[${part}]` : `${key}.${part}`;
        return part.endsWith("Secret") && typeof inner === "string"
            ? [{ key: path, name: inner }]
            : namedSecrets(inner, path);
    });
}

/**
 * The secrets that a station names.
 *
 * @throws ConfigError with every one that the stack does not have.
 */
export function loadSecrets(station: object): StationSecrets {
    const config = new pulumi.Config("aerial");
    const named = namedSecrets(station).map((one) => ({ ...one, value: config.getSecret(one.name) }));
    const missing = named.filter(({ value }) => value === undefined);
    if (missing.length > 0) {
        throw new ConfigError(
            missing.map(({ key, name }) => ({
                key,
                value: JSON.stringify(name),
                remedy: `the stack has no such secret; set it: pulumi config set --secret aerial:${name}`,
            })),
        );
    }
    return Object.fromEntries(named.flatMap(({ name, value }) => (value ? [[name, value] as const] : [])));
}
