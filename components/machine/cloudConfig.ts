import { gzipSync } from "node:zlib";

import { stringify } from "yaml";

import { readTemplate } from "../template";
import { baseRole, loginUser } from "./base";
import type { MachineFile, MachineRole } from "./role";

export interface CloudConfigArgs {
    hostname: string;
    /** OpenSSH public keys that may log in. */
    authorizedKeys: string[];
    /** OpenSSH private key that the machine shows at the first contact only; see `aerial-enrol`. */
    enrolHostKey: string;
    role: MachineRole;
}

/** Limits of user data, in bytes: DigitalOcean 64 KiB, EC2 16 KB. Source: their API references, 2026-09. */
export const userDataLimitBytes = { digitalOcean: 64 * 1024, ec2: 16_000 } as const;

/**
 * User data for cloud-init: the base of every machine and one role, as cloud-config.
 *
 * @throws when the result is larger than `limitBytes`, or two parts claim the same file.
 */
export function renderCloudConfig(args: CloudConfigArgs, limitBytes: number): string {
    const base = baseRole();
    const files = [...base.files, ...args.role.files];
    refuseTwice(files.map((file) => file.path));
    const masked = [...base.maskedUnits, ...args.role.maskedUnits];
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
        // Before packages are installed: theirs would start with their examples' configuration and take our ports.
        bootcmd:
            masked.length > 0
                ? [["cloud-init-per", "once", "aerial-mask", "systemctl", "mask", ...masked]]
                : [],
        package_update: true,
        packages: [...new Set([...base.packages, ...args.role.packages])].sort(),
        write_files: [
            // In clear and by itself, so that `aerial-enrol seal` finds every copy of it.
            { path: "/etc/aerial/enrol/host_key", permissions: "0600", content: args.enrolHostKey },
            { path: unpacker, permissions: "0755", content: readTemplate("machine/aerial-unpack") },
            { path: bundle, permissions: "0600", encoding: "gz+b64", content: pack(files) },
        ],
        runcmd: [
            [unpacker, bundle],
            ["systemctl", "daemon-reload"],
            ["systemctl", "restart", "systemd-sysctl.service", "systemd-journald.service"],
            ["systemctl", "enable", "--now", ...base.units, ...args.role.units],
        ],
    };
    const text = `#cloud-config\n${stringify(document, { lineWidth: 0 })}`;
    const size = Buffer.byteLength(text);
    if (size > limitBytes) {
        throw new Error(
            `the user data of ${args.hostname} has ${size} bytes, ${size - limitBytes} more than the provider takes; ` +
                `its largest file is ${largest(files)}`,
        );
    }
    return text;
}

const unpacker = "/usr/local/sbin/aerial-unpack";
const bundle = "/var/lib/aerial/files.json";

/**
 * All files as one compressed list: scripts and units resemble each other, and a Master with two channels would not fit
 * otherwise. Its order, and a header without a time stamp, make the same role the same user data.
 */
function pack(files: MachineFile[]): string {
    const list = files.map(({ path, mode, owner = "root:root", content }) => ({
        path,
        mode,
        owner,
        content,
    }));
    return gzipSync(JSON.stringify(list), { level: 9 }).toString("base64");
}

function refuseTwice(paths: string[]): void {
    const twice = paths.find((path, index) => paths.indexOf(path) !== index);
    if (twice !== undefined) {
        throw new Error(`two parts of the role both write ${twice}`);
    }
}

function largest(files: MachineFile[]): string {
    const [first] = [...files].sort((a, b) => b.content.length - a.content.length);
    return first ? `${first.path} (${Buffer.byteLength(first.content)} bytes)` : "none";
}
