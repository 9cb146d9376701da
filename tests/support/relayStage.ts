import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { MachineRole } from "../../components/machine/role";
import { run } from "../../lab/workstation/run";
import { inImage } from "../../lab/machines/image";
import { installPackages } from "./packages";
import { patience } from "./patience";

/** A folder with a role's files and its secrets, from which a script in the base image sets up a machine. */
export class Stage {
    readonly folder = mkdtempSync(join(tmpdir(), "relay-"));

    constructor(private readonly role: MachineRole) {
        // Programs in the image run as users of their own.
        chmodSync(this.folder, 0o755);
        for (const file of role.files) {
            const path = this.pathOf(file.path);
            mkdirSync(dirname(path), { recursive: true });
            writeFileSync(path, file.content);
            chmodSync(path, parseInt(file.mode, 8));
        }
    }

    /** Where a file of the machine is on the workstation. */
    pathOf(path: string): string {
        return join(this.folder, "files", path);
    }

    write(name: string, content: string): void {
        writeFileSync(join(this.folder, name), content);
    }

    /**
     * Runs a script beside the tests with the stage as its argument, in namespaces that end with it.
     *
     * @returns what it reports, line by line as `NAME: TEXT`.
     * @throws when it does not report `end`.
     */
    async run(script: string, end: string, timeoutSeconds: number): Promise<Record<string, string>> {
        const { stdout, stderr } = await inImage(
            [
                ...["sh", "-euc", `${installPackages(this.role)}\nexec "$@"`, "sh"],
                ...["unshare", "--net", "--pid", "--fork", "--mount-proc", "sh", "/script.sh", this.folder],
            ],
            {
                binds: [{ source: this.folder }, { source: script, target: "/script.sh" }],
                timeoutSeconds: timeoutSeconds * patience,
                allow: "any",
            },
        );
        const results = Object.fromEntries(
            [...stdout.matchAll(/^([^:\n]+): ?(.*)$/gm)].map(([, name, text]) => [name ?? "", text ?? ""]),
        );
        if (results[end] === undefined) {
            throw new Error(`the Relay did not come to its end:\n${stdout}\n${stderr}`);
        }
        return results;
    }

    remove(): void {
        rmSync(this.folder, { recursive: true, force: true });
    }
}

/** A self-signed certificate, alone and with its key before it. */
export async function selfSigned(): Promise<{ certificate: string; withKey: string }> {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "-"];
    const { stdout: withKey } = await run(
        ["openssl", "req", "-x509", ...key].concat(["-days", "2", "-subj", "/CN=test", "-out", "-"]),
    );
    return { certificate: withKey.slice(withKey.indexOf("-----BEGIN CERTIFICATE")), withKey };
}
