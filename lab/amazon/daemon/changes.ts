import { randomBytes } from "node:crypto";

import { labMode } from "../../cloud/mode";
import { exclusively } from "../../cloud/records";
import { destroyMachine } from "../../machines/machines";
import { freeInstanceAddress, freeSubnetAddress } from "../addresses";
import { newId } from "../names";
import {
    activities,
    groups,
    instances,
    policies,
    refreshes,
    subnets,
    targetKey,
    targets,
    templates,
    versionOf,
    type GroupRecord,
    type InstanceRecord,
    type RefreshRecord,
    type TemplateVersion,
} from "../records";

/* What happens to groups and instances, in the records. Each change reads anew what it changes. */

const keptActivities = 100;

/** The version of its template that a group launches. */
export function launchVersion(group: GroupRecord): TemplateVersion | undefined {
    const template = templates.get(group.templateId);
    return template && versionOf(template, group.templateVersion);
}

/** `<base>-1` and so on: the lowest number that no machine of the name has at this moment. */
export function freeName(base: string, taken: readonly string[]): string {
    for (let n = 1; ; n++) {
        if (!taken.includes(`${base}-${n}`)) {
            return `${base}-${n}`;
        }
    }
}

/** Records an instance to be made. */
export async function launch(groupName: string, subnetId: string, cause: string): Promise<void> {
    await exclusively(async () => {
        const group = groups.get(groupName);
        const subnet = subnets.get(subnetId);
        const version = group && launchVersion(group);
        if (!group || !subnet || !version || group.deleting) {
            return;
        }
        const others = instances.all();
        const taken = (key: "address" | "name" | "privateAddress") => others.map((one) => one[key]);
        const { urn, region, templateId } = group;
        const id = newId("i");
        instances.put(id, {
            ...{ urn, region, id, group: groupName, zone: subnet.zone, subnetId },
            name: freeName(group.tags.Name ?? version.tags.Name ?? group.name, taken("name")),
            address: freeInstanceAddress(region, taken("address")),
            privateAddress: freeSubnetAddress(subnet, taken("privateAddress")),
            ...{ templateId, templateVersion: version.number },
            ...{ lifecycle: "Pending", booted: false, launchedAt: Date.now() },
        });
        begin(groupName, id, `Launching a new EC2 instance: ${id}`, cause);
    });
}

/** Its machine runs: it waits for its hook's answer, or serves at once. */
export async function booted(id: string): Promise<void> {
    await changeInstance(id, (instance) => {
        const [hook] = groups.get(instance.group)?.hooks ?? [];
        return {
            ...instance,
            booted: true,
            ...(hook && {
                lifecycle: "Pending:Wait",
                hook: {
                    name: hook.name,
                    deadline: Date.now() + hook.heartbeatSeconds * 1000,
                },
            }),
        };
    });
}

/** It is in service, and a target of the group's balancers. */
export async function serve(id: string): Promise<void> {
    await exclusively(async () => {
        const instance = instances.get(id);
        const group = instance && groups.get(instance.group);
        if (!instance || !group || instance.lifecycle === "Terminating") {
            return;
        }
        const now = Date.now();
        instances.put(id, { ...instance, lifecycle: "InService", inServiceAt: now, hook: undefined });
        for (const targetGroupArn of group.targetGroupArns) {
            const own = { targetGroupArn, instanceId: id };
            targets.put(targetKey(own), { ...own, state: "initial", proven: false, streak: 0, since: now });
        }
        groups.put(group.name, { ...group, failures: 0 });
        end(id, "Successful");
    });
}

/** It gets no new connections, and goes when those there are have left. */
export async function terminate(id: string, reason: string, failed: boolean): Promise<void> {
    await exclusively(async () => {
        const instance = instances.get(id);
        if (!instance || instance.lifecycle === "Terminating") {
            return;
        }
        const now = Date.now();
        instances.put(id, { ...instance, lifecycle: "Terminating", terminatingAt: now, reason, failed });
        for (const target of targets.all().filter(({ instanceId }) => instanceId === id)) {
            targets.put(targetKey(target), { ...target, state: "draining", since: now });
        }
        const group = groups.get(instance.group);
        if (failed && group) {
            groups.put(group.name, { ...group, failures: group.failures + 1, failedAt: now });
        }
        end(id, failed ? "Failed" : "Successful", failed ? reason : undefined);
        begin(instance.group, id, `Terminating EC2 instance: ${id}`, reason);
    });
}

/** Removes an instance with its machine and its registrations. */
export async function removeInstance(id: string): Promise<void> {
    if (labMode() === "machines") {
        await destroyMachine(id);
    }
    await exclusively(async () => {
        for (const target of targets.all().filter(({ instanceId }) => instanceId === id)) {
            targets.remove(targetKey(target));
        }
        instances.remove(id);
        end(id, "Successful");
    });
}

/** Removes a group with all it has. The daemon leaves a group alone that has no record. */
export async function removeGroupAtOnce(name: string): Promise<void> {
    const isOwn = ({ group }: { group: string }): boolean => group === name;
    await exclusively(async () => {
        groups.remove(name);
        for (const policy of policies.all().filter(isOwn)) {
            policies.remove(`${name} ${policy.name}`);
        }
        for (const records of [activities, refreshes]) {
            for (const { id } of records.all().filter(isOwn)) {
                records.remove(id);
            }
        }
    });
    for (const { id } of instances.all().filter(isOwn)) {
        await removeInstance(id);
    }
}

/** Changes a group that is there. */
export async function changeGroup(name: string, change: (group: GroupRecord) => GroupRecord): Promise<void> {
    await exclusively(async () => {
        const group = groups.get(name);
        if (group) {
            groups.put(name, change(group));
        }
    });
}

export async function changeRefresh(id: string, change: Partial<RefreshRecord>): Promise<void> {
    await exclusively(async () => {
        const refresh = refreshes.get(id);
        if (refresh?.status === "InProgress") {
            refreshes.put(id, { ...refresh, ...change });
        }
    });
}

/** The load asks for another size. */
export async function resize(groupName: string, desired: number, cause: string): Promise<void> {
    await exclusively(async () => {
        const group = groups.get(groupName);
        if (group && !group.deleting && desired >= group.min && desired <= group.max) {
            const id = begin(groupName, "", `Setting the desired capacity to ${desired}`, cause);
            groups.put(groupName, { ...group, desired });
            endActivity(id, "Successful");
        }
    });
}

/** Changes an instance that is there and stays. */
export async function changeInstance(
    id: string,
    change: (instance: InstanceRecord) => InstanceRecord,
): Promise<void> {
    await exclusively(async () => {
        const instance = instances.get(id);
        if (instance && instance.lifecycle !== "Terminating") {
            instances.put(id, change(instance));
        }
    });
}

function begin(group: string, instance: string, description: string, cause: string): string {
    // Ids sort by time; the instance stands in it, so that its end is found.
    const id = `${String(Date.now()).padStart(14, "0")}-${randomBytes(3).toString("hex")}-${instance}`;
    const startedAt = Date.now();
    activities.put(id, { id, group, description, cause, status: "InProgress", startedAt });
    const own = activities.all().filter((one) => one.group === group);
    for (const old of own.slice(0, Math.max(0, own.length - keptActivities))) {
        activities.remove(old.id);
    }
    return id;
}

/** Ends what was under way with an instance. */
function end(instance: string, status: "Successful" | "Failed", message?: string): void {
    for (const id of activities.ids().filter((one) => one.endsWith(`-${instance}`))) {
        endActivity(id, status, message);
    }
}

function endActivity(id: string, status: "Successful" | "Failed", message?: string): void {
    const activity = activities.get(id);
    if (activity?.status === "InProgress") {
        activities.put(id, { ...activity, status, message, endedAt: Date.now() });
    }
}
