import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";

import { writeAtomically } from "../host/files";
import { buildProviders } from "../providers/build";
import type { LabMode } from "../providers/mode";
import { checkout, labPath } from "../paths";
import { engineCommand } from "./command";

/** Project name of Pulumi.yaml; the engine's file backend names folders after it. */
export const projectName = "aerial";

export interface StackChoice {
    /** `lab`, `prod`, `preprod`. */
    stack: string;
    mode: LabMode;
    /** The stack's settings; `Pulumi.<stack>.yaml` in the checkout unless given. */
    stackFile?: string;
    /** Another program than the station's, for tests: the path of a module. */
    program?: string;
}

/**
 * Copies project and stack settings, so that the engine writes into the lab's folder and never into committed files.
 * It keeps the salt of the generated passphrase there. Values that are encrypted for the real stack cannot be read
 * here, and stand for credentials of real clouds: they are replaced.
 */
function copySettings({ stack, stackFile }: StackChoice): string {
    const folder = labPath("project");
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(checkout, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    const source = stackFile ?? join(checkout, `Pulumi.${stack}.yaml`);
    const target = join(folder, `Pulumi.${stack}.yaml`);
    if (!existsSync(source)) {
        throw new Error(`there is no ${source}, which would describe the station`);
    }
    const { config }: { config?: Record<string, unknown> } = readYaml(source) ?? {};
    const { encryptionsalt }: { encryptionsalt?: string } = existsSync(target)
        ? (readYaml(target) ?? {})
        : {};
    writeAtomically(target, stringify({ encryptionsalt, config: withoutEncrypted(config ?? {}) }));
    return folder;
}

function readYaml(file: string): Record<string, unknown> | undefined {
    try {
        return parse(readFileSync(file, "utf8"));
    } catch (error) {
        throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
        });
    }
}

function withoutEncrypted(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(withoutEncrypted);
    }
    if (typeof value !== "object" || value === null) {
        return value;
    }
    return "secure" in value
        ? "not-readable-in-the-lab"
        : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutEncrypted(inner)]));
}

/** The file with the passphrase that encrypts secrets in the state; made once. */
function passphraseFile(): string {
    const file = labPath("passphrase");
    if (!existsSync(file)) {
        writeAtomically(file, `${randomBytes(32).toString("base64url")}\n`, 0o600);
    }
    return file;
}

/** The environment of the engine and, through it, of the providers. */
export function engineEnvironment(providers: string, mode: LabMode): Record<string, string> {
    return {
        PATH: [providers, process.env.PATH ?? ""].join(delimiter),
        AERIAL_LAB_MODE: mode,
        PULUMI_BACKEND_URL: `file://${labPath("state")}`,
        PULUMI_HOME: labPath("pulumi"),
        PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(),
        // Nothing leaves this host, and nothing asks anybody.
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: "true",
        PULUMI_AUTOMATION_API: "true",
        NO_PROXY: "127.0.0.1",
    };
}

/** Opens a stack with the lab's providers. Before a run, `heal` mends what an interrupted one left. */
export async function openStack(choice: StackChoice): Promise<Stack> {
    const module = choice.program ?? join(checkout, "index");
    const workDir = copySettings(choice);
    mkdirSync(labPath("state"), { recursive: true });
    const [pulumiCommand, providers] = await Promise.all([engineCommand(), buildProviders()]);
    return LocalWorkspace.createOrSelectStack(
        {
            stackName: choice.stack,
            projectName,
            // Loaded when the engine asks for it, so that its errors belong to the run. What it exports, it outputs.
            program: async () => ({ ...createRequire(__filename)(module) }),
        },
        { workDir, pulumiCommand, envVars: engineEnvironment(providers, choice.mode) },
    );
}
