import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";

import { writeAtomically } from "../workstation/files";
import { buildProviders } from "../cloud/build";
import type { LabMode } from "../cloud/mode";
import { checkout, labPath } from "../paths";
import { enginePath } from "./command";
import { engineEnvironment } from "./environment";

/** Project name of Pulumi.yaml; the engine's file backend names folders after it. */
const projectName = "aerial";

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
 * The copy keeps the salt of the generated passphrase. Values that are encrypted for the real stack cannot be read here;
 * they are credentials of real clouds, and a placeholder replaces them.
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
        return parse(readFileSync(file, "utf8")) as Record<string, unknown>;
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

/** Opens a stack with the lab's providers. `environment` is the engine's, beside its usual one. Before a run, call `heal`. */
export async function openStack(
    choice: StackChoice,
    environment: Record<string, string> = {},
): Promise<Stack> {
    const module = choice.program ?? join(checkout, "index");
    const workDir = copySettings(choice);
    mkdirSync(labPath("state"), { recursive: true });
    const [engine, providers] = await Promise.all([enginePath(), buildProviders()]);
    const pulumiCommand = await PulumiCommand.get({ root: dirname(dirname(engine)), skipVersionCheck: true });
    return LocalWorkspace.createOrSelectStack(
        {
            stackName: choice.stack,
            projectName,
            // Loaded when the engine asks for it, so that its errors are part of the run. Its exports are the outputs.
            program: () =>
                Promise.resolve({ ...(createRequire(__filename)(module) as Record<string, unknown>) }),
        },
        { workDir, pulumiCommand, envVars: { ...engineEnvironment(providers, choice.mode), ...environment } },
    );
}
