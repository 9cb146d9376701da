import { stringify } from "yaml";

import { baseRole, enrolledRole, loginUser } from "./base";
import { command } from "./files";
import { packFiles, packPath } from "./pack";
import { mergeRoles, type MachineFile, type MachineRole } from "./role";

/** Limits of user data, in bytes: DigitalOcean 64 KiB, EC2 16 KB. Source: their API references, 2026-09. */
export const userDataLimitBytes = { digitalOcean: 64 * 1024, ec2: 16_000 } as const;

/** A machine that is enrolled over SSH, and gets its secrets that way. */
export interface CloudConfigArgs {
    hostname: string;
    /** OpenSSH public keys that may log in. */
    authorizedKeys: string[];
    /** OpenSSH private key that the machine shows at the first contact only; see `aerial-enrol`. */
    enrolHostKey: string;
    role: MachineRole;
}

/**
 * User data for cloud-init: the base of every machine, SSH and one role, as cloud-config. All files travel in it.
 *
 * @throws when the result is larger than `limitBytes`, or two parts claim the same file.
 */
export function renderCloudConfig(args: CloudConfigArgs, limitBytes: number): string {
    const role = mergeRoles(baseRole(), enrolledRole(), args.role);
    const document = {
        hostname: args.hostname,
        disable_root: true,
        users: [
            {
                name: loginUser,
                shell: "/bin/bash",
                lock_passwd: true,
                sudo: "ALL=(ALL) NOPASSWD:ALL",
                ssh_authorized_keys: args.authorizedKeys,
            },
        ],
        ...installation(role),
        write_files: [
            // Not in the pack, so that `aerial-enrol seal` finds every copy of it.
            { path: "/etc/aerial/enrol/host_key", permissions: "0600", content: args.enrolHostKey },
            unpackerFile(),
            {
                path: packPath,
                permissions: "0600",
                encoding: "gz+b64",
                content: packFiles(role.files).compressed.toString("base64"),
            },
        ],
        runcmd: [[unpack.path, packPath], ...start(role.units)],
    };
    return checkedText(document, {
        subject: args.hostname,
        limitBytes,
        remedy: `its largest file is ${largest(role.files)}`,
    });
}

/** A machine that reads its files and secrets itself, by the rights that its instance has; see `canary/render.ts`. */
export interface JoiningConfigArgs {
    /** The name in errors. Instances get their host names from `/etc/aerial/canary.json`. */
    name: string;
    /** The role. Its files are not in the user data; `fetch` brings them. */
    role: MachineRole;
    /** The few files that user data holds itself, because `fetch` needs them. */
    loader: MachineFile[];
    /** Fetches the other files and unpacks them. */
    fetch: string[];
}

/**
 * User data for cloud-init of a machine that joins by itself: packages, and a program that fetches the rest. It has no
 * user, no key and no SSH: a broken machine is replaced, not repaired.
 *
 * @throws when the result is larger than `limitBytes`.
 */
export function renderJoiningConfig(args: JoiningConfigArgs, limitBytes: number): string {
    const document = {
        preserve_hostname: true,
        disable_root: true,
        users: [],
        ...installation(args.role),
        write_files: [
            ...args.loader.map(({ path, mode, content }) => ({ path, permissions: mode, content })),
            unpackerFile(),
        ],
        runcmd: [args.fetch, ...start(args.role.units)],
    };
    return checkedText(document, {
        subject: args.name,
        limitBytes,
        remedy: `its largest file is ${largest(args.loader)}; take packages out of the role, or shorten that file`,
    });
}

/** It must be there before the files that are packed. */
const unpack = command("machine/files/aerial-unpack.py");

function unpackerFile(): { path: string; permissions: string; content: string } {
    const { path, mode, content } = unpack;
    return { path, permissions: mode, content };
}

/** Packages, and what must not start with them. */
function installation({ packages, maskedUnits }: MachineRole): object {
    return {
        // Before packages are installed: Debian's units would start with example configurations and take our ports.
        bootcmd:
            maskedUnits.length > 0
                ? [["cloud-init-per", "once", "aerial-mask", "systemctl", "mask", ...maskedUnits]]
                : [],
        package_update: true,
        packages,
    };
}

/** Once the files are there. */
function start(units: string[]): string[][] {
    return [
        ["systemctl", "daemon-reload"],
        ["systemctl", "restart", "systemd-sysctl.service", "systemd-journald.service"],
        ["systemctl", "enable", "--now", ...units],
    ];
}

function checkedText(
    document: object,
    { subject, limitBytes, remedy }: { subject: string; limitBytes: number; remedy: string },
): string {
    const text = `#cloud-config\n${stringify(document, { lineWidth: 0 })}`;
    const size = Buffer.byteLength(text);
    if (size > limitBytes) {
        throw new Error(
            `the user data of ${subject} has ${size} bytes, ${size - limitBytes} more than the provider takes; ${remedy}`,
        );
    }
    return text;
}

function largest(files: MachineFile[]): string {
    const [first] = [...files].sort((a, b) => b.content.length - a.content.length);
    return first ? `${first.path} (${Buffer.byteLength(first.content)} bytes)` : "none";
}
