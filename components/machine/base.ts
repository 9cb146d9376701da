import { command, each, pythonModule, staticFile, unit } from "./files";
import type { MachineFile, MachineRole } from "./role";

/**
 * What every machine gets, whatever its role and however it is admitted: kernel limits, journal limits, security updates,
 * and a metadata service that only root may ask.
 */
export function baseRole(): MachineRole {
    return {
        packages: ["ca-certificates", "jq", "nftables", "python3", "unattended-upgrades"],
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
        ],
        units: ["aerial-metadata-guard.service"],
        maskedUnits: [],
    };
}

/** What a machine enrolled over SSH has besides: SSH with a pinned host key, and the service of the first contact. */
export function enrolledRole(): MachineRole {
    return {
        packages: ["openssh-server", "sudo"],
        files: [
            staticFile("/etc/ssh/sshd_config.d/00-aerial.conf", "machine/enrol/sshd.conf"),
            staticFile("/etc/aerial/enrol/sshd_config", "machine/enrol/enrol-sshd.conf"),
            unit("machine/enrol/aerial-enrol.service"),
            command("machine/enrol/aerial-enrol.sh"),
        ],
        units: ["aerial-enrol.service"],
        // SSH opens with the host key that `aerial-enrol` installs, never with one that nobody can verify.
        maskedUnits: ["ssh.service"],
    };
}

/** The user that engineers and `pulumi up` log in as. */
export const loginUser = "aerial";

/** Port of the first contact, closed once the machine is enrolled. */
export const enrolPort = 2222;

/** What the tools of {@link machineTools} need installed. */
export const toolPackages = ["python3", "espeak-ng", "ffmpeg"];

/** What every role has: programs for secrets, readiness and announcements, and `aerial.target` over its units. */
export function machineTools(): MachineFile[] {
    return [
        ...each(
            "machine",
            ["secrets/aerial-secrets.py", "ready/aerial-ready.sh", "announcement/aerial-announcement.sh"],
            command,
        ),
        pythonModule("machine/python/files.py"),
        unit("machine/base/aerial.target"),
    ];
}
