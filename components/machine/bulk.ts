import { command, jsonFile } from "./files";
import { packFiles } from "./pack";
import { mergeRoles, type MachineFile, type MachineRole } from "./role";

/** Files of a role that its user data has no room for, and the units among them. They arrive over SSH. */
export interface BulkFiles {
    files: MachineFile[];
    /** Enabled and started once the files are there. */
    units: string[];
}

/**
 * A role whose bulk arrives over SSH, and the text that is then sent to `aerial-bulk`. The user data holds the bulk's
 * hash, so that a changed file of the bulk makes a new machine, as every other changed file does.
 *
 * @throws when a file of the bulk is another than the role's own.
 */
export function roleWithBulk(role: MachineRole, bulk: BulkFiles): { role: MachineRole; stdin: string } {
    // A path may not stand for one file in the user data and for another in the bulk.
    mergeRoles(role, { packages: [], units: [], maskedUnits: [], files: bulk.files });
    const { compressed, sha256 } = packFiles(bulk.files);
    const expected = jsonFile("/etc/aerial/bulk.json", { sha256, units: bulk.units });
    return {
        role: { ...role, files: [...role.files, command("machine/files/aerial-bulk.py"), expected] },
        stdin: compressed.toString("base64"),
    };
}
