import { readTemplate } from "./template";
import type { MachineFile, MachineRole } from "./role";

/** A verbatim file of `config-templates/`. */
export function staticFile(path: string, template: string, mode = "0644"): MachineFile {
    return { path, content: readTemplate(template), mode };
}

/**
 * What every machine gets, whatever its role and however it is admitted: kernel limits, journal limits, security updates,
 * and a metadata service that only root may ask.
 */
export function baseRole(): MachineRole {
    return {
        packages: ["ca-certificates", "jq", "nftables", "python3", "unattended-upgrades"],
        files: [
            staticFile("/etc/sysctl.d/90-aerial.conf", "machine/sysctl.conf"),
            staticFile("/etc/systemd/journald.conf.d/aerial.conf", "machine/journald.conf"),
            staticFile("/etc/apt/apt.conf.d/90-aerial-upgrades", "machine/unattended-upgrades.conf"),
            staticFile(
                "/etc/systemd/system/apt-daily-upgrade.timer.d/aerial.conf",
                "machine/apt-daily-upgrade.conf",
            ),
            staticFile("/etc/aerial/metadata.nft", "machine/metadata.nft"),
            staticFile(
                "/etc/systemd/system/aerial-metadata-guard.service",
                "machine/aerial-metadata-guard.service",
            ),
        ],
        units: ["aerial-metadata-guard.service"],
        maskedUnits: [],
    };
}

/** What a machine that is enrolled over SSH has beside that: SSH by pinned host key, and the way to its first contact. */
export function enrolledRole(): MachineRole {
    return {
        packages: ["openssh-server", "sudo"],
        files: [
            staticFile("/etc/ssh/sshd_config.d/00-aerial.conf", "machine/sshd.conf"),
            staticFile("/etc/aerial/enrol/sshd_config", "machine/enrol-sshd.conf"),
            staticFile("/etc/systemd/system/aerial-enrol.service", "machine/aerial-enrol.service"),
            staticFile("/usr/local/sbin/aerial-enrol", "machine/aerial-enrol", "0755"),
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
