import { randomBytes } from "node:crypto";

import type { z } from "zod";

import type { Context, Existing, Made } from "../../cloud/kind";
import { labMode } from "../../cloud/mode";
import { outputOf, type commandInputs, type Output } from "./inputs";

/** What a command is given, wherever it runs. */
type CommandInputs = z.output<z.ZodObject<typeof commandInputs>>;

/** Runs one command. `previous` is what the last one wrote; absent at the first. */
export type Run<Inputs> = (
    command: string,
    given: Inputs,
    previous: Output | undefined,
    context: Context,
) => Promise<Output>;

/**
 * What a kind of command is beside its inputs: `create` at its creation, `update` or `create` on a change, `delete`.
 *
 * @param recordsDeletion whether `delete` runs without machines, too: such a command takes something from the cloud.
 */
export function lifecycle<Inputs extends CommandInputs>(
    run: Run<Inputs>,
    { recordsDeletion } = { recordsDeletion: false },
): {
    create(given: Inputs, context: Context): Promise<Made<Output>>;
    update(existing: Existing<Inputs>, given: Inputs, context: Context): Promise<Output>;
    delete(existing: Existing<Inputs>, context: Context): Promise<void>;
} {
    async function attempt(
        command: string | undefined,
        given: Inputs,
        previous: Output | undefined,
        context: Context,
        needsMachines = true,
    ): Promise<Output> {
        if (command === undefined || (needsMachines && labMode() === "record")) {
            return previous ?? { stdout: "", stderr: "" };
        }
        return run(command, given, previous, context);
    }
    return {
        create: async (given, context) => ({
            // A name with a random end, as the real provider's ids.
            id: context.name + randomBytes(4).toString("hex"),
            outputs: await attempt(given.create, given, undefined, context),
        }),

        update: ({ outputs }, given, context) =>
            attempt(given.update ?? given.create, given, outputOf(outputs), context),

        delete: async ({ inputs: given, outputs }, context) => {
            await attempt(given.delete, given, outputOf(outputs), context, !recordsDeletion);
        },
    };
}
