import { isDeepStrictEqual } from "node:util";

/** A file that lands on a machine by cloud-init. */
export interface MachineFile {
    /** Absolute path. */
    path: string;
    content: string;
    /** Octal permissions, for example `0644`. */
    mode: string;
    /** `user:group`; both must exist before packages are installed, so `root:root` unless there is a reason. */
    owner?: string;
}

/** What a role puts on a machine: plain values, no secrets (those arrive later, see `aerial-secrets`). */
export interface MachineRole {
    /** Debian packages, installed by cloud-init. */
    packages: string[];
    files: MachineFile[];
    /** systemd units enabled at first boot. They start when `aerial-secrets` has delivered what they need. */
    units: string[];
    /** Debian's own units that must never run beside ours; masked before packages are installed. */
    maskedUnits: string[];
}

/**
 * One role out of several. A file that several parts need, such as a module of Python, is written once.
 *
 * @throws when two of them write different files to the same path.
 */
export function mergeRoles(...roles: MachineRole[]): MachineRole {
    const files = new Map<string, MachineFile>();
    for (const file of roles.flatMap((role) => role.files)) {
        const present = files.get(file.path);
        if (present && !isDeepStrictEqual(present, file)) {
            throw new Error(`two parts of the role both write ${file.path}, and not the same`);
        }
        files.set(file.path, file);
    }
    return {
        packages: [...new Set(roles.flatMap((role) => role.packages))].sort(),
        files: [...files.values()],
        units: roles.flatMap((role) => role.units),
        maskedUnits: roles.flatMap((role) => role.maskedUnits),
    };
}
