import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { deliveryJson } from "../../components/machine/delivery";
import type { MachineRole } from "../../components/machine/role";
import { run } from "../../lab/workstation/run";

/** Secrets as a delivery holds them. */
export interface PlainSecrets {
    values: Record<string, string>;
    files: Record<string, string>;
}

/** A role with its secrets as the program reads it that applies deliveries. */
export function deliveryOf(role: MachineRole, secrets: PlainSecrets): string {
    return deliveryJson({ role, readySeconds: 5 }, JSON.stringify(secrets));
}

/** A folder that holds the files that a delivery puts on a machine. */
export async function delivered(role: MachineRole, secrets: PlainSecrets): Promise<string> {
    const root = mkdtempSync(join(tmpdir(), "aerial-delivered-"));
    chmodSync(root, 0o755);
    await run(["/usr/bin/python3", "-B", "-m", "deliver.apply", "--files-only", "--root", root], {
        cwd: join(__dirname, "../../config-templates/machine/delivery"),
        stdin: deliveryOf(role, secrets),
    });
    return root;
}
