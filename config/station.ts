import { ConfigError, mistakesOf } from "./errors";
import { stationSchema, type Station } from "./schema";

const key = "aerial:station";

/**
 * Checks what a stack gives as `aerial:station` and fills in the defaults.
 *
 * @throws ConfigError with every mistake: its key, the value, and what would be right.
 */
export function parseStation(given: unknown): Station {
    if (given === undefined) {
        throw new ConfigError([
            {
                key,
                value: "nothing",
                remedy: "describe the station in the stack's Pulumi.<stack>.yaml; Pulumi.prod.yaml is an example",
            },
        ]);
    }
    const result = stationSchema.safeParse(given);
    if (!result.success) {
        throw new ConfigError(mistakesOf(key, given, result.error));
    }
    return result.data;
}
