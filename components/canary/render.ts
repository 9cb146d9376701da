import type { Upstream } from "../../model/links";
import { baseRole } from "../machine/base";
import { renderJoiningConfig, userDataLimitBytes } from "../machine/cloudConfig";
import { command, jsonFile, pythonModule, staticFile, unit } from "../machine/files";
import { packFiles } from "../machine/pack";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import type { RelayPlan } from "../relayPool/plan";
import { renderRelay } from "../relayPool/render";
import { joinHook, type CanaryNames } from "./access";
import { pieceCount } from "./pieces";

/*
 * The canary's instances: nobody enrols them, and nobody can log in (SSH is masked, and there is no user to log in as).
 * They read their files and secrets with their IAM role, and report to the group. Unhealthy ones are replaced.
 */

/** What an instance is told in its user data, as `/etc/aerial/canary.json`. */
export interface InstancePlan {
    /** Start of its host name, for example `canary`; the instance's id follows. */
    name: string;
    /** Amazon's region. */
    region: string;
    /** Name of the Auto Scaling group. */
    group: string;
    /** Name of the hook by which the group waits until an instance is healthy. */
    hook: string;
    /** Parameter with the secrets, as `aerial-secrets apply` reads them. */
    secrets: string;
    /** Path of the parameters with the pieces of the role's files: `<path>/01`, …. */
    files: string;
    pieces: number;
    /** SHA-256 of the pack, in hexadecimal. */
    sha256: string;
    /** Parameter in which an instance says why it did not become healthy. */
    report: string;
    /** Namespace of the metrics that it may publish. */
    namespace: string;
    /** An instance is healthy when it plays one of them, or when none of them answers. */
    masters: { host: string; port: number }[];
    /** How long it may take to become healthy once it has its secrets, and then to play a Master. */
    readySeconds: number;
}

/** The program in user data that fetches the files. */
export const fetchCommand = ["/usr/local/sbin/aerial-fetch"];

/** Files that user data itself must hold. */
export function loaderFiles(plan: InstancePlan): MachineFile[] {
    return [
        jsonFile("/etc/aerial/canary.json", plan),
        pythonModule("canary/join/canary.py"),
        command("canary/join/aerial-fetch.py"),
    ];
}

/** What a machine that joins by itself has beside its base and its role. */
export function joiningRole(): MachineRole {
    return {
        packages: ["python3-boto3"],
        files: [
            command("canary/join/aerial-join.py"),
            unit("canary/join/aerial-join.service"),
            staticFile("/etc/systemd/timesyncd.conf.d/aerial.conf", "canary/join/timesyncd.conf"),
            command("canary/secrets/aerial-secrets-sync.py"),
            unit("canary/secrets/aerial-secrets-sync.service"),
            unit("canary/secrets/aerial-secrets-sync.timer"),
        ],
        units: ["aerial-join.service", "aerial-secrets-sync.timer"],
        maskedUnits: ["ssh.service", "ssh.socket"],
    };
}

/** All that an instance is: a Relay that joins by itself. */
export function canaryRole(plan: Omit<RelayPlan, "upstreams" | "behindBalancer">): MachineRole {
    return mergeRoles(
        baseRole(),
        renderRelay({ ...plan, upstreams: plan.masters, behindBalancer: true }),
        joiningRole(),
    );
}

/** What differs between instances of different launch templates. */
export interface InstanceFacts {
    role: MachineRole;
    masters: Upstream[];
    /** Path of the parameters with the role's files. */
    filesPath: string;
    /** Name of the Auto Scaling group. */
    group: string;
}

/** User data of an instance. @throws when it is larger than EC2 allows. */
export function canaryUserData(
    name: string,
    names: CanaryNames,
    readySeconds: number,
    { role, masters, filesPath, group }: InstanceFacts,
): string {
    const { sha256 } = packFiles(role.files);
    const { region, secrets, report, namespace } = names;
    const loader = loaderFiles({
        ...{ name, region, group, hook: joinHook, secrets, report, namespace, readySeconds, sha256 },
        masters: masters.map(({ host, port }) => ({ host, port })),
        files: filesPath,
        pieces: pieceCount,
    });
    return renderJoiningConfig({ name, role, loader, fetch: fetchCommand }, userDataLimitBytes.ec2);
}
