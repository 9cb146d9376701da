import { z } from "zod";

/* Inputs of @pulumi/command 1.2.1, of which the lab takes what a station needs: keys, no passwords, and no way round. */

export const connection = z.strictObject({
    host: z.string(),
    user: z.string().default("root"),
    port: z.number().default(22),
    privateKey: z.string(),
    /** OpenSSH public key of the server. */
    hostKey: z.string().optional(),
    /** Failed dials before giving up; -1 for no limit. */
    dialErrorLimit: z.int().default(10),
    /** Seconds for each dial; 0 for no limit. */
    perDialTimeout: z.int().default(15),
});
export type Connection = z.output<typeof connection>;

/** What local and remote commands share. */
export const commandInputs = {
    create: z.string().optional(),
    update: z.string().optional(),
    delete: z.string().optional(),
    triggers: z.array(z.unknown()).optional(),
    stdin: z.string().optional(),
    logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
    addPreviousOutputInEnv: z.boolean().optional(),
};

export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none" | undefined;

export function logs(logging: Logging, stream: "stdout" | "stderr"): boolean {
    return logging === undefined || logging === "stdoutAndStderr" || logging === stream;
}

/** What a command's last run wrote. */
export interface Output {
    stdout: string;
    stderr: string;
}

/** The previous run's output as the next run's environment. */
export function previousOutput(
    previous: Output | undefined,
    wanted: boolean | undefined,
): Record<string, string> {
    if (previous === undefined || wanted === false) {
        return {};
    }
    return {
        ...(previous.stdout === "" ? {} : { PULUMI_COMMAND_STDOUT: previous.stdout }),
        ...(previous.stderr === "" ? {} : { PULUMI_COMMAND_STDERR: previous.stderr }),
    };
}

export function outputOf(outputs: Readonly<Record<string, unknown>>): Output {
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    return { stdout: text(outputs.stdout), stderr: text(outputs.stderr) };
}
