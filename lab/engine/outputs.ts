import { existsSync } from "node:fs";

import { run } from "../workstation/run";
import { labPath } from "../paths";
import { enginePath } from "./command";
import { engineEnvironment } from "./environment";

/**
 * The outputs of a stack as its last `up` left them. Takes half a second: the engine only reads its state, also while
 * an `up` runs. Without `secrets`, those read `[secret]`.
 *
 * @returns undefined when the stack has none: it was never built, or is gone.
 */
export async function stackOutputs({ stack = "lab", secrets = true } = {}): Promise<
    Record<string, unknown> | undefined
> {
    if (!existsSync(labPath("state", ".pulumi", "stacks", "aerial", `${stack}.json`))) {
        return undefined;
    }
    const argv = [await enginePath(), "stack", "output", "--json", "--stack", stack, "--non-interactive"];
    const { stdout } = await run([...argv, ...(secrets ? ["--show-secrets"] : [])], {
        cwd: labPath("project"),
        env: { ...process.env, ...engineEnvironment(labPath("bin"), "machines") },
    });
    const outputs = JSON.parse(stdout) as Record<string, unknown>;
    return Object.keys(outputs).length === 0 ? undefined : outputs;
}
