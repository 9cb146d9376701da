import type { Client } from "ssh2";
import { z } from "zod";

import { resourceKind, type Context } from "../../cloud/kind";
import { commandInputs, connection, logs, previousOutput, type Output } from "./inputs";
import { lifecycle } from "./lifecycle";
import { runRemotely, withSsh } from "./ssh";

const inputs = z.strictObject({ ...commandInputs, connection });
type Inputs = z.output<typeof inputs>;

/** The real provider fails when the server does not accept a variable; most accept none but the language. */
async function checkEnvironment(client: Client, environment: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(environment)) {
        const seen = await runRemotely(client, {
            command: `printenv ${name} || true`,
            stdin: undefined,
            environment: { [name]: value },
            onOutput: () => {},
        });
        if (seen.stdout !== value.replace(/\n$/, "")) {
            throw new Error(
                `could not set environment variable ${JSON.stringify(name)}: this only works if the SSH server accepts it (AcceptEnv)`,
            );
        }
    }
}

async function run(
    command: string,
    given: Inputs,
    previous: Output | undefined,
    context: Context,
): Promise<Output> {
    return withSsh(given.connection, context.log, async (client) => {
        await checkEnvironment(client, given.environment ?? {});
        return runRemotely(client, {
            command,
            stdin: given.stdin,
            environment: {
                ...given.environment,
                ...previousOutput(previous, given.addPreviousOutputInEnv),
            },
            onOutput: (stream, text) => {
                if (logs(given.logging, stream)) {
                    context.log(text.replace(/\n$/, ""));
                }
            },
        });
    });
}

export const remoteCommand = resourceKind({
    type: "command:remote:Command",
    inputs,
    secretOutputs: ["connection"],
    ...lifecycle(run),
});
