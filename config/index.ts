import * as pulumi from "@pulumi/pulumi";

import { checkNode } from "./node";
import type { Station } from "./schema";
import { parseStation } from "./station";

export { ConfigError } from "./errors";
export type { Station } from "./schema";
export { loadSecrets } from "./secrets";

/**
 * The station that the current stack describes. The only place that reads configuration.
 *
 * @throws ConfigError when anything in it is wrong, and RunError on a Node.js that is too old, before any resource exists.
 */
export function loadStation(): Station {
    checkNode();
    return parseStation(new pulumi.Config("aerial").getObject<unknown>("station"));
}
