import { command, each, pythonModule, staticFile, unit } from "./files";
import type { MachineFile, MachineRole } from "./role";

/** The user that engineers and `pulumi up` log in as. */
export const loginUser = "aerial";

/** Port of the first contact, closed once the machine is enrolled. */
export const enrolPort = 2222;

/**
 * What every machine gets, whatever its role and however it is admitted: kernel limits, journal limits, security updates,
 * a metadata service that only root may ask, and programs for deliveries, readiness and announcements.
 */
export function baseRole(): MachineRole {
    return {
        packages: [
            "ca-certificates",
            "espeak-ng",
            "ffmpeg",
            "jq",
            "nftables",
            "python3",
            "unattended-upgrades",
        ],
        files: [
            staticFile("/etc/sysctl.d/90-aerial.conf", "machine/base/sysctl.conf"),
            staticFile("/etc/systemd/journald.conf.d/aerial.conf", "machine/base/journald.conf"),
            staticFile("/etc/apt/apt.conf.d/90-aerial-upgrades", "machine/base/unattended-upgrades.conf"),
            staticFile(
                "/etc/systemd/system/apt-daily-upgrade.timer.d/aerial.conf",
                "machine/base/apt-daily-upgrade.conf",
            ),
            staticFile("/etc/aerial/metadata.nft", "machine/metadata/metadata.nft"),
            unit("machine/metadata/aerial-metadata-guard.service"),
            unit("machine/base/aerial.target"),
            pythonModule("machine/python/files.py"),
            ...each("machine", ["ready/aerial-ready.sh", "announcement/aerial-announcement.sh"], command),
            ...deliveryPrograms(),
        ],
        units: ["aerial-metadata-guard.service", "aerial.target"],
        services: [
            { unit: "systemd-sysctl.service", reads: ["/etc/sysctl.d/90-aerial.conf"], onChange: "restart" },
            {
                unit: "systemd-journald.service",
                reads: ["/etc/systemd/journald.conf.d/aerial.conf"],
                onChange: "restart",
            },
            {
                unit: "aerial-metadata-guard.service",
                reads: ["/etc/aerial/metadata.nft"],
                onChange: "restart",
                check: ["nft", "--check", "--file", "/etc/aerial/metadata.nft"],
            },
        ],
        maskedUnits: [],
    };
}

/** What applies a delivery: it comes with each. `aerial-receive` finds it there by this folder. */
function deliveryPrograms(): MachineFile[] {
    const modules = [
        "apply",
        "delivery",
        "placeholders",
        "problem",
        "programs",
        "slots",
        "system",
        "tree",
        "units",
    ];
    return [
        command("machine/delivery/aerial-receive.py"),
        command("machine/delivery/aerial-delivery.sh"),
        ...modules.map((name) => pythonModule(`machine/delivery/deliver/${name}.py`, "deliver")),
    ];
}

/** What a machine enrolled over SSH has besides: who may log in, and how. */
export function enrolledRole(authorizedKeys: string[]): MachineRole {
    return {
        packages: ["openssh-server", "sudo"],
        files: [
            sshdFile(),
            {
                path: `/home/${loginUser}/.ssh/authorized_keys`,
                content: authorizedKeys.map((key) => `${key.trim()}\n`).join(""),
                mode: "0600",
                owner: `${loginUser}:${loginUser}`,
            },
        ],
        units: [],
        services: [
            {
                unit: "ssh.service",
                reads: ["/etc/ssh/sshd_config.d/"],
                onChange: "reload",
                check: ["/usr/sbin/sshd", "-t"],
            },
        ],
        maskedUnits: [],
    };
}

/** Files that a machine's first boot needs: SSH with a pinned host key, the first contact, and what takes a delivery. */
export function enrolFiles(): MachineFile[] {
    return [
        sshdFile(),
        staticFile("/etc/aerial/enrol/sshd_config", "machine/enrol/enrol-sshd.conf"),
        unit("machine/enrol/aerial-enrol.service"),
        command("machine/enrol/aerial-enrol.sh"),
        command("machine/delivery/aerial-receive.py"),
    ];
}

function sshdFile(): MachineFile {
    return staticFile("/etc/ssh/sshd_config.d/00-aerial.conf", "machine/enrol/sshd.conf");
}
