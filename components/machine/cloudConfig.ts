import { gzipSync } from "node:zlib";

import { stringify } from "yaml";

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
    const files: MachineFile[] = [
        ...base.files,
        { path: "/etc/aerial/enrol/host_key", content: args.enrolHostKey, mode: "0600" },
        ...args.role.files,
    ];
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
        write_files: files.map(writeFile),
        runcmd: [
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

/**
 * Files travel compressed, the small ones excepted: plain, a Master with two channels would exceed the limit. Text
 * beyond ASCII is always encoded: cloud-init then never has to encode the whole document.
 */
function writeFile(file: MachineFile): Record<string, string> {
    return {
        path: file.path,
        owner: file.owner ?? "root:root",
        permissions: file.mode,
        ...encode(file.content),
    };
}

/** Below this many characters compression gains nothing. */
const worthCompressing = 400;

function encode(content: string): { encoding?: string; content: string } {
    if (content.length < worthCompressing && /^[\u0000-\u007f]*$/.test(content)) {
        return { content };
    }
    // Node writes no time stamp into the header, so the same text always gives the same user data.
    return { encoding: "gz+b64", content: gzipSync(content, { level: 9 }).toString("base64") };
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
