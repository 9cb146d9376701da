import { stringify } from "yaml";

import { enrolFiles, loginUser } from "./base";
import { command } from "./files";
import type { MachineFile } from "./role";

/*
 * User data makes of a bare Debian a machine that a delivery can reach, and nothing more: it is the same for all roles,
 * and a change of it replaces machines.
 */

/** Limits of user data, in bytes: DigitalOcean 64 KiB, EC2 16 KB. Source: their API references, 2026-09. */
export const userDataLimitBytes = { digitalOcean: 64 * 1024, ec2: 16_000 } as const;

/** A machine that is enrolled over SSH, and gets its deliveries that way. */
export interface CloudConfigArgs {
    hostname: string;
    /** OpenSSH public key that may deliver; those of engineers come with the delivery. */
    deployKey: string;
    /** OpenSSH private key that the machine shows at the first contact only; see `aerial-enrol`. */
    enrolHostKey: string;
}

/**
 * User data for cloud-init of a machine that is enrolled over SSH, as cloud-config.
 *
 * @throws when the result is larger than `limitBytes`.
 */
export function renderCloudConfig(args: CloudConfigArgs, limitBytes: number): string {
    const document = {
        hostname: args.hostname,
        disable_root: true,
        users: [
            {
                name: loginUser,
                shell: "/bin/bash",
                lock_passwd: true,
                sudo: "ALL=(ALL) NOPASSWD:ALL",
                ssh_authorized_keys: [args.deployKey],
            },
        ],
        // SSH opens with the host key that `aerial-enrol` installs, never with one that nobody can verify.
        ...preparation(["ssh.service"]),
        // No packages: with a slow mirror, the first contact would come too late for `pulumi up`. A delivery waits.
        write_files: [
            { path: "/etc/aerial/enrol/host_key", permissions: "0600", content: args.enrolHostKey },
            ...written(enrolFiles()),
        ],
        runcmd: start("aerial-enrol.service"),
    };
    return checkedText(document, args.hostname, limitBytes);
}

/** A machine that reads its deliveries itself, by the rights that its instance has; see `canary/render.ts`. */
export interface JoiningConfigArgs {
    /** The name in errors. Instances get their host names from `/etc/aerial/canary.json`. */
    name: string;
    /** What reads the deliveries. */
    loader: MachineFile[];
    /** What the loader needs installed. */
    packages: string[];
    /** The loader's unit. */
    unit: string;
}

/**
 * User data for cloud-init of a machine that joins by itself: a program that reads the rest. It has no user, no key and no
 * SSH: a broken machine is replaced, not repaired.
 *
 * @throws when the result is larger than `limitBytes`.
 */
export function renderJoiningConfig(args: JoiningConfigArgs, limitBytes: number): string {
    const document = {
        preserve_hostname: true,
        disable_root: true,
        users: [],
        ...preparation(["ssh.service", "ssh.socket"]),
        package_update: true,
        packages: args.packages,
        write_files: written([...args.loader, command("machine/delivery/aerial-receive.py")]),
        runcmd: start(args.unit),
    };
    return checkedText(document, args.name, limitBytes);
}

function written(files: MachineFile[]): object[] {
    return files.map(({ path, mode, content }) => ({ path, permissions: mode, content }));
}

function preparation(maskedUnits: string[]): object {
    return {
        bootcmd: [["cloud-init-per", "once", "aerial-mask", "systemctl", "mask", ...maskedUnits]],
        // cloud-init puts in the mirror that the provider's image uses. apt takes nothing from backports unasked.
        apt: { sources: { "aerial-backports.list": { source: "deb $MIRROR trixie-backports main" } } },
    };
}

/** Once the files are there. */
function start(unit: string): string[][] {
    return [
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", unit],
    ];
}

function checkedText(document: object, subject: string, limitBytes: number): string {
    const text = `#cloud-config\n${stringify(document, { lineWidth: 0 })}`;
    const size = Buffer.byteLength(text);
    if (size > limitBytes) {
        throw new Error(
            `the user data of ${subject} has ${size} bytes, ${size - limitBytes} more than the provider takes`,
        );
    }
    return text;
}
