import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import { cgroupMount } from "../paths";

/** Programs of the host that the lab runs, by the Debian and Ubuntu package that brings them. */
const programs: Record<string, readonly string[]> = {
    "systemd-container": ["systemd-nspawn"],
    systemd: ["systemd-socket-activate"],
    mmdebstrap: ["mmdebstrap"],
    iproute2: ["ip"],
    nftables: ["nft"],
    "util-linux": ["flock", "mount", "nsenter", "setpriv", "unshare"],
};

/** @throws when this host cannot hold a lab, with the command that would change that. */
export function checkHost(): void {
    const missing = Object.entries(programs).filter(([, names]) => !names.every(isOnPath));
    if (missing.length > 0) {
        const names = missing.flatMap(([, list]) => list.filter((name) => !isOnPath(name)));
        const packages = missing.map(([name]) => name);
        // mmdebstrap checks Debian's signatures, on Ubuntu too.
        const needed = packages.includes("mmdebstrap") ? [...packages, "debian-archive-keyring"] : packages;
        throw new Error(
            `This host lacks ${names.join(", ")}, which the lab needs: sudo apt install ${needed.join(" ")}`,
        );
    }
    cgroupMount();
}

function isOnPath(program: string): boolean {
    const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
    return folders.some((folder) => {
        try {
            accessSync(join(folder, program), constants.X_OK);
            return true;
        } catch {
            return false;
        }
    });
}
