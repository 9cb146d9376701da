import { z } from "zod";

import { resourceKind, type Context } from "../../cloud/kind";
import { commandInputs, connection, logs, previousOutput, type Output } from "./inputs";
import { lifecycle } from "./lifecycle";
import { runRemotely, withSsh } from "./ssh";

const inputs = z.strictObject({ ...commandInputs, connection });
type Inputs = z.output<typeof inputs>;

function run(
    command: string,
    given: Inputs,
    previous: Output | undefined,
    context: Context,
): Promise<Output> {
    return withSsh(given.connection, context.log, (client) =>
        runRemotely(client, {
            command,
            stdin: given.stdin,
            environment: previousOutput(previous, given.addPreviousOutputInEnv),
            onOutput: (stream, text) => {
                if (logs(given.logging, stream)) {
                    context.log(text.replace(/\n$/, ""));
                }
            },
        }),
    );
}

export const remoteCommand = resourceKind({
    type: "command:remote:Command",
    inputs,
    secretOutputs: ["connection"],
    ...lifecycle(run),
});
