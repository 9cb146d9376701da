import type { IcecastVersion } from "../../model/icecast";
import { program, programFolder, staticFile } from "./files";
import type { MachineRole, Service } from "./role";

/**
 * How a machine gets Icecast: 2.4 is what Debian 13 has, 2.5 is only in its backports. There a version is asked for, so
 * that a delivery fails when the backports have another one, instead of installing it.
 */
export function icecastInstallation(version: IcecastVersion): Pick<MachineRole, "packages" | "files"> {
    const check = program("machine/icecast/icecast-check.sh");
    switch (version) {
        case "2.4":
            return { packages: ["icecast2"], files: [check] };
        case "2.5":
            return {
                // Debian 13 has a library that is too old for it.
                packages: ["icecast2=2.5.*", "libigloo0t64/trixie-backports"],
                files: [
                    check,
                    staticFile(
                        "/etc/apt/apt.conf.d/91-aerial-backports",
                        "machine/base/backports-upgrades.conf",
                    ),
                ],
            };
    }
}

/** Icecast takes another configuration in place, and keeps every connection. */
export function icecastService(unit: string, configuration: string): Service {
    return {
        unit,
        reads: [configuration],
        onChange: "reload",
        check: [`${programFolder}/icecast-check`, configuration],
        packages: ["icecast2"],
    };
}

/** What a mount's setting is called by which its listeners' titles are so many bytes of audio apart. */
export function titleIntervalElement(version: IcecastVersion): string {
    return version === "2.4" ? "mp3-metadata-interval" : "icy-metadata-interval";
}
