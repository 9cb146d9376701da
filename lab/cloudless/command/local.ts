import { spawn } from "node:child_process";

import { z } from "zod";

import { inNamespace } from "../../network/network";
import { labMode } from "../../cloud/mode";
import { checkout } from "../../paths";
import { resourceKind, type Context } from "../../cloud/kind";
import { commandInputs, logs, previousOutput, type Output } from "./inputs";
import { lifecycle } from "./lifecycle";

const inputs = z.strictObject({
    ...commandInputs,
    environment: z.record(z.string(), z.string()).optional(),
});
type Inputs = z.output<typeof inputs>;

function run(
    command: string,
    given: Inputs,
    previous: Output | undefined,
    context: Context,
): Promise<Output> {
    const shell = ["/bin/sh", "-c", command];
    // A program of the operator's: it finds the lab's names, which the engine itself needs not.
    const [program = "", ...args] = labMode() === "record" ? shell : inNamespace("operator", shell);
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, {
            // The real provider runs where the program is.
            cwd: checkout,
            env: {
                ...process.env,
                ...given.environment,
                ...previousOutput(previous, given.addPreviousOutputInEnv),
            },
        });
        const texts = { stdout: "", stderr: "", both: "" };
        const collect = (stream: "stdout" | "stderr") => (data: Buffer) => {
            const text = data.toString("utf8");
            texts[stream] += text;
            texts.both += text;
            if (logs(given.logging, stream)) {
                context.log(text.replace(/\n$/, ""));
            }
        };
        child.stdout.on("data", collect("stdout"));
        child.stderr.on("data", collect("stderr"));
        child.on("error", reject);
        child.on("close", (code, signal) => {
            if (code === 0) {
                resolve({ stdout: texts.stdout.replace(/\n$/, ""), stderr: texts.stderr.replace(/\n$/, "") });
                return;
            }
            const ended = signal === null ? `exit status ${code ?? "unknown"}` : `signal: ${signal}`;
            reject(new Error(`${ended}: running ${JSON.stringify(command)}:\n${texts.both}`));
        });
        child.stdin.on("error", () => {});
        child.stdin.end(given.stdin ?? "");
    });
}

export const localCommand = resourceKind({
    type: "command:local:Command",
    inputs,
    ...lifecycle(run, { recordsDeletion: true }),
});
