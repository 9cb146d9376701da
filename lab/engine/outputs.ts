import { existsSync } from "node:fs";

import { labPath } from "../paths";
import { askEngine } from "./environment";

/**
 * The outputs of a stack after its last `up`. Takes half a second, also while an `up` runs: the engine only reads its
 * state. Without `secrets`, secret values are `[secret]`.
 *
 * @returns undefined when the stack has none: it was never built, or it was removed.
 */
export async function stackOutputs({ stack = "lab", secrets = true } = {}): Promise<
    Record<string, unknown> | undefined
> {
    if (!existsSync(labPath("state", ".pulumi", "stacks", "aerial", `${stack}.json`))) {
        return undefined;
    }
    const show = secrets ? ["--show-secrets"] : [];
    const outputs = (await askEngine(stack, ["output", "--json", ...show])) as Record<string, unknown>;
    return Object.keys(outputs).length === 0 ? undefined : outputs;
}
