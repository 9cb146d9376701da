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

/** What a role puts on a machine: plain values, no secrets (those arrive over SSH, see `aerial-secrets`). */
export interface MachineRole {
    /** Debian packages, installed by cloud-init. */
    packages: string[];
    files: MachineFile[];
    /** systemd units enabled at first boot. They start when `aerial-secrets` has delivered what they need. */
    units: string[];
    /** Debian's own units that must never run beside ours; masked before packages are installed. */
    maskedUnits: string[];
}
