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
 * One role out of several.
 *
 * @throws when two of them write the same file.
 */
export function mergeRoles(...roles: MachineRole[]): MachineRole {
    const files = roles.flatMap((role) => role.files);
    const paths = files.map((file) => file.path);
    const twice = paths.find((path, index) => paths.indexOf(path) !== index);
    if (twice !== undefined) {
        throw new Error(`two parts of the role both write ${twice}`);
    }
    return {
        packages: [...new Set(roles.flatMap((role) => role.packages))].sort(),
        files,
        units: roles.flatMap((role) => role.units),
        maskedUnits: roles.flatMap((role) => role.maskedUnits),
    };
}
