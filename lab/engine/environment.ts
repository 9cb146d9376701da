import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { apiRootFile } from "../authority";
import { operatorKeys } from "../amazon/keys";
import { writeAtomically } from "../workstation/files";
import { labFolder } from "../paths";
import type { LabMode } from "../cloud/mode";

/** The file with the passphrase that encrypts secrets in the state; made once. */
function passphraseFile(folder: string): string {
    const file = join(folder, "passphrase");
    if (!existsSync(file)) {
        writeAtomically(file, `${randomBytes(32).toString("base64url")}\n`, 0o600);
    }
    return file;
}

/** As whom programs that the engine starts call Amazon's APIs, and whom they trust to be Amazon. */
function amazonAsOperator(): Record<string, string> {
    const { id, secret } = operatorKeys();
    return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, NODE_EXTRA_CA_CERTS: apiRootFile };
}

/** The environment of the engine and, through it, of the providers. `folder` is the lab's, where it is not this one's. */
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
        // Nothing leaves this host, and nothing asks anybody.
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
        PULUMI_AUTOMATION_API: "true",
        NO_PROXY: "127.0.0.1",
        ...(mode === "machines" && amazonAsOperator()),
    };
}
