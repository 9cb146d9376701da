import { staticFile } from "../machine/base";
import type { MachineFile, MachineRole } from "../machine/role";

/*
 * Machines of an Auto Scaling group: nobody enrols them, and nobody can log in (SSH is masked, and there is no user to
 * log in as). They read their files and secrets by their instance's role, report to the group, and are replaced when
 * they are not well.
 */

/** What such a machine is told in its user data, as `/etc/aerial/canary.json`. */
export interface JoiningPlan {
    /** Start of its host name, for example `canary`; the instance's id follows. */
    name: string;
    /** Amazon's region. */
    region: string;
    /** Name of the Auto Scaling group. */
    group: string;
    /** Name of the group's hook that waits for a machine to be well. */
    hook: string;
    /** Parameter with the secrets, as `aerial-secrets apply` reads them. */
    secrets: string;
    /** Path of the parameters with the pieces of the role's files: `<path>/01`, …. */
    files: string;
    pieces: number;
    /** Of the list of files, in hexadecimal. */
    sha256: string;
    /** Parameter that a machine writes to when it does not get well: why. */
    report: string;
    /** Of the metrics it may publish. */
    namespace: string;
    /** Whom it must play to be of use, unless none of them answers. */
    masters: { host: string; port: number }[];
    /** How long it may take from its secrets to its health, and from there to the Masters. */
    readySeconds: number;
}

/** The program of user data that fetches the files. */
export const fetchCommand = ["/usr/local/sbin/aerial-fetch"];

/** What user data itself must carry. */
export function loaderFiles(plan: JoiningPlan): MachineFile[] {
    return [
        { path: "/etc/aerial/canary.json", content: `${JSON.stringify(plan, null, 2)}\n`, mode: "0644" },
        staticFile("/usr/local/lib/aerial/canary.py", "canary/canary.py"),
        staticFile("/usr/local/sbin/aerial-fetch", "canary/aerial-fetch", "0755"),
    ];
}

/** What a machine that joins by itself has beside its base and its role. */
export function joiningRole(): MachineRole {
    return {
        packages: ["python3-boto3"],
        files: [
            staticFile("/usr/local/sbin/aerial-join", "canary/aerial-join", "0755"),
            staticFile("/usr/local/sbin/aerial-secrets-sync", "canary/aerial-secrets-sync", "0755"),
            staticFile("/etc/systemd/timesyncd.conf.d/aerial.conf", "canary/timesyncd.conf"),
            ...["aerial-join.service", "aerial-secrets-sync.service", "aerial-secrets-sync.timer"].map(
                (unit) => staticFile(`/etc/systemd/system/${unit}`, `canary/${unit}`),
            ),
        ],
        units: ["aerial-join.service", "aerial-secrets-sync.timer"],
        maskedUnits: ["ssh.service", "ssh.socket"],
    };
}
