import { createHash } from "node:crypto";

import type { Upstream } from "../../model/links";
import { renderJoiningConfig, userDataLimitBytes } from "../machine/cloudConfig";
import { deliveryText, noSecrets } from "../machine/delivery";
import { command, jsonFile, pythonModule, staticFile, textFile, unit } from "../machine/files";
import { mergeRoles, type MachineFile, type MachineRole } from "../machine/role";
import type { RelayPlan } from "../relayPool/plan";
import { renderRelay } from "../relayPool/render";
import { joinHook, type CanaryNames } from "./access";

/*
 * The canary's instances: nobody enrols them, and nobody can log in (SSH is masked, and there is no user to log in as).
 * They read their delivery and secrets with their IAM role, and report to the group. Unhealthy ones are replaced.
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
    /** Parameter with the secrets, as a delivery holds them. */
    secrets: string;
    /** Where the delivery is on S3, without secrets. */
    bucket: string;
    key: string;
    /** SHA-256 of the delivery without secrets, in hexadecimal. */
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

/** Files that user data itself holds: what reads the delivery. */
export function loaderFiles(plan: InstancePlan): MachineFile[] {
    return [
        jsonFile("/etc/aerial/canary.json", plan),
        pythonModule("canary/join/canary.py"),
        command("canary/join/aerial-join.py"),
        unit("canary/join/aerial-join.service"),
    ];
}

/** What the loader needs installed. */
export const loaderPackages = ["python3-boto3"];

/** How an instance lets its listeners go. */
export interface LeavePlan {
    /** How long the group keeps an instance that is about to stop, in seconds. */
    drainLimitSeconds: number;
    /** How many listeners are closed in a second when their time is over. */
    closePerSecond: number;
}

/** The rest of the drain limit is for closing those who are left: of an hour, 6 minutes. */
const drainShare = 0.9;

/** What a machine that joins by itself has beside its role. */
export function joiningRole(leave: LeavePlan): MachineRole {
    return {
        packages: loaderPackages,
        files: [
            staticFile("/etc/systemd/timesyncd.conf.d/aerial.conf", "canary/join/timesyncd.conf"),
            command("canary/secrets/aerial-secrets-sync.py"),
            unit("canary/secrets/aerial-secrets-sync.service"),
            unit("canary/secrets/aerial-secrets-sync.timer"),
            textFile(
                "/etc/aerial/leave",
                `${Math.floor(drainShare * leave.drainLimitSeconds)} ${leave.closePerSecond}\n`,
            ),
            command("canary/leave/aerial-leave.sh"),
            unit("canary/leave/aerial-leave.service"),
            unit("canary/leave/aerial-leave.timer"),
        ],
        units: ["aerial-leave.timer", "aerial-secrets-sync.timer"],
        services: [
            {
                unit: "systemd-timesyncd.service",
                reads: ["/etc/systemd/timesyncd.conf.d/aerial.conf"],
                onChange: "restart",
            },
        ],
        maskedUnits: [],
    };
}

/** All that an instance is: a Relay that joins by itself. */
export function canaryRole(
    plan: Omit<RelayPlan, "upstreams" | "behindBalancer">,
    leave: LeavePlan,
): MachineRole {
    const relay = renderRelay({ ...plan, upstreams: plan.masters, behindBalancer: true });
    return mergeRoles(relay, joiningRole(leave));
}

/** The delivery of an instance, as it lies in the bucket: the instance puts in the secrets. */
export function canaryDelivery(role: MachineRole, readySeconds: number): string {
    return deliveryText({ role, readySeconds }, noSecrets);
}

/** Length of the random part of a delivery's key, in bytes. */
export const placeBytes = 6;

/** Key of a delivery, which also says what it holds. @param place in hexadecimal, `placeBytes` long. */
export function deliveryKey(names: CanaryNames, place: string, delivery: string): string {
    return `${names.deliveries}${place}/${sha256(delivery)}`;
}

/** In hexadecimal. */
export function sha256(text: string): string {
    return createHash("sha256").update(text).digest("hex");
}

/** What differs between instances of different launch templates. */
export interface InstanceFacts {
    /** See `canaryDelivery`. */
    delivery: string;
    masters: Upstream[];
    /** See `deliveryKey`. */
    key: string;
    /** Name of the Auto Scaling group. */
    group: string;
}

/** User data of an instance. @throws when it is larger than EC2 allows. */
export function canaryUserData(
    name: string,
    names: CanaryNames,
    readySeconds: number,
    { delivery, masters, key, group }: InstanceFacts,
): string {
    const { region, bucket, secrets, report, namespace } = names;
    const loader = loaderFiles({
        ...{ name, region, group, hook: joinHook, secrets, report, namespace, readySeconds },
        ...{ bucket, key, sha256: sha256(delivery) },
        masters: masters.map(({ host, port }) => ({ host, port })),
    });
    return renderJoiningConfig(
        { name, loader, packages: loaderPackages, unit: "aerial-join.service" },
        userDataLimitBytes.ec2,
    );
}
