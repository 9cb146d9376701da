import type { Client } from "ssh2";
import { z } from "zod";

import { resourceKind, type Context } from "../../cloud/kind";
import { labMode } from "../../cloud/mode";
import { copyTo, sourceInput } from "./copy";
import { commandInputs, connection, logs, previousOutput, triggers, type Output } from "./inputs";
import { commandId, lifecycle } from "./lifecycle";
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

export const copyToRemote = resourceKind({
    type: "command:remote:CopyToRemote",
    inputs: z.strictObject({ connection, remotePath: z.string(), source: sourceInput, triggers }),
    secretOutputs: ["connection"],

    create: async (given, context) => {
        if (labMode() !== "record") {
            await withSsh(given.connection, context.log, (client) => copyTo(client, given));
        }
        return { id: commandId(context.name), outputs: {} };
    },

    update: async (_existing, given, context) => {
        if (labMode() !== "record") {
            await withSsh(given.connection, context.log, (client) => copyTo(client, given));
        }
        return {};
    },
});
