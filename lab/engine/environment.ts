import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { apiRootFile } from "../authority";
import { operatorKeys } from "../amazon/keys";
import { writeAtomically } from "../workstation/files";
import { run } from "../workstation/run";
import { labFolder } from "../paths";
import type { LabMode } from "../cloud/mode";
import { enginePath } from "./command";

/** The file with the passphrase that encrypts secrets in the state; made once. */
function passphraseFile(folder: string): string {
    const file = join(folder, "passphrase");
    if (!existsSync(file)) {
        writeAtomically(file, `${randomBytes(32).toString("base64url")}\n`, 0o600);
    }
    return file;
}

/** Keys by which programs that the engine starts call Amazon's APIs, and the root that signed those APIs' certificates. */
function amazonAsOperator(): Record<string, string> {
    const { id, secret } = operatorKeys();
    return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, NODE_EXTRA_CA_CERTS: apiRootFile };
}

/** The environment of the engine and of the providers it starts. `folder` is the lab's; this lab's unless given. */
export function engineEnvironment(
    providers: string,
    mode: LabMode,
    folder = labFolder,
): Record<string, string> {
    return {
        PATH: [providers, process.env.PATH ?? ""].join(delimiter),
        AERIAL_LAB_MODE: mode,
        PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
        PULUMI_HOME: join(folder, "pulumi"),
        PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(folder),
        // No connection leaves this workstation, and nothing waits for an answer from a person.
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
        PULUMI_AUTOMATION_API: "true",
        NO_PROXY: "127.0.0.1",
        ...(mode === "machines" && amazonAsOperator()),
    };
}

/** What `pulumi stack <command>` answers, as JSON, for a stack of this lab or of the one in `folder`. */
export async function askEngine(
    stack: string,
    command: readonly string[],
    mode: LabMode = "machines",
    folder = labFolder,
): Promise<unknown> {
    const argv = [await enginePath(), "stack", ...command, "--stack", stack, "--non-interactive"];
    const env = { ...process.env, ...engineEnvironment(join(folder, "bin"), mode, folder) };
    const { stdout } = await run(argv, { cwd: join(folder, "project"), env });
    return JSON.parse(stdout);
}
