import type { MachineRole } from "../../components/machine/role";
import { offeredPackages } from "../../lab/machines/packages";

/**
 * Shell commands that install a role's packages in the base image, as a delivery does on a machine of the lab; none where
 * the image has them already.
 */
export function installPackages({ packages }: Pick<MachineRole, "packages">): string {
    if (!packages.some((name) => offeredPackages.includes(name))) {
        return "";
    }
    const names = packages.map((name) => `'${name}'`).join(" ");
    return `
        echo "deb file:/usr/local/share/lab-repository trixie-backports main" >/etc/apt/sources.list.d/aerial-backports.list
        export DEBIAN_FRONTEND=noninteractive
        { apt-get --quiet update && apt-get --quiet --yes --option=Dpkg::Options::=--force-unsafe-io install ${names}; } \\
            >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }`;
}
