import { gunzipSync } from "node:zlib";

import { run } from "../../workstation/run";
import { createMachine, destroyMachine, listMachines } from "../../machines/machines";
import { sites } from "../../network/addresses";
import { inNetwork, protectInstance, setBalancers } from "../../network/network";
import { readNetwork } from "../../network/state";
import { machineNamespace } from "../../paths";
import {
    type GroupRecord,
    groups,
    type InstanceRecord,
    instances,
    listeners,
    loadBalancers,
    refreshes,
    securityRules,
    subnets,
    targetGroups,
    targetKey,
    type TargetRecord,
    targets,
    templateOf,
    vpcs,
} from "../records";
import { images } from "../facts";
import { exclusively } from "../../cloud/records";
import { balancersOf } from "./balancing";
import { booted, changeRefresh, launch, launchVersion, removeInstance, serve, terminate } from "./changes";
import { judge, probe } from "./health";
import { planGroup, type Action } from "./plan";
import { firewallOf } from "./security";

/*
 * Brings the records of groups and balancers to life: makes and ends machines, checks targets, sets firewalls and
 * balancers. All it knows by itself is what is under way at the moment; killed, it goes on where the records are.
 */

export class Controller {
    /** Instances whose machines are being made or removed. */
    private readonly busy = new Set<string>();
    /** When each target is checked next, and those that are being checked. */
    private readonly checkAt = new Map<string, number>();
    private readonly checking = new Set<string>();

    /** One round. What takes long goes on beside. */
    async tick(): Promise<void> {
        const machines = new Map(listMachines().map((machine) => [machine.id, machine.state]));
        for (const group of groups.all()) {
            await this.control(group, machines);
        }
        for (const instance of instances.all()) {
            // Its group has gone, and whoever removed that has not come to an end.
            if (!groups.get(instance.group)) {
                this.inBackground(instance.id, () => removeInstance(instance.id));
            } else if (instance.lifecycle === "Pending" && !instance.booted) {
                this.inBackground(instance.id, () => make(instance));
            }
        }
        await protect();
        await balance();
        this.checkTargets();
    }

    private async control(group: GroupRecord, machines: ReadonlyMap<string, string>): Promise<void> {
        const own = instances.all().filter((one) => one.group === group.name);
        const version = launchVersion(group);
        if (!version) {
            return;
        }
        const off = own.filter(({ id }) => !this.busy.has(id) && (machines.get(id) ?? "off") === "off");
        const drains = group.targetGroupArns.map((arn) => targetGroups.get(arn)?.drainSeconds ?? 0);
        const actions = planGroup({
            ...{ group, instances: own, version: version.number, now: Date.now() },
            zones: Object.fromEntries(group.subnetIds.map((id) => [id, subnets.get(id)?.zone ?? ""])),
            off: new Set(off.map(({ id }) => id)),
            targets: targets.all(),
            refresh: refreshes.all().find((one) => one.group === group.name && one.status === "InProgress"),
            drainSeconds: Math.max(0, ...drains),
            connections: await connectionsOf(own, group),
        });
        for (const action of actions) {
            await this.act(group, action);
        }
    }

    private async act(group: GroupRecord, action: Action): Promise<void> {
        switch (action.do) {
            case "launch":
                return launch(group.name, action.subnetId, action.cause);
            case "serve":
                return serve(action.id);
            case "terminate":
                console.log(`${action.id} of ${group.name} terminates: ${action.reason}`);
                return terminate(action.id, action.reason, action.failed);
            case "destroy":
                this.inBackground(action.id, () => removeInstance(action.id));
                return;
            case "refresh":
                return changeRefresh(action.id, action.change);
        }
    }

    /** Does something with an instance while the rounds go on; one thing at a time for each. */
    private inBackground(id: string, work: () => Promise<void>): void {
        if (this.busy.has(id)) {
            return;
        }
        this.busy.add(id);
        void work()
            .catch((error: unknown) => console.error(error))
            .finally(() => this.busy.delete(id));
    }

    private checkTargets(): void {
        for (const target of targets.all()) {
            const key = targetKey(target);
            const due = (this.checkAt.get(key) ?? 0) <= Date.now();
            if (due && target.state !== "draining" && !this.checking.has(key)) {
                this.checking.add(key);
                void this.check(key, target)
                    .catch((error: unknown) => console.error(error))
                    .finally(() => this.checking.delete(key));
            }
        }
    }

    private async check(key: string, { targetGroupArn, instanceId, state }: TargetRecord): Promise<void> {
        const instance = instances.get(instanceId);
        const group = targetGroups.get(targetGroupArn);
        if (!instance || !group) {
            return;
        }
        // A new target is asked until it answers: Amazon's take longer to be registered than this.
        const pause = state === "initial" ? 1000 : group.check.intervalSeconds * 1000;
        this.checkAt.set(key, Date.now() + pause);
        const finding = await probe(instance.address, group.port, group.check);
        await exclusively(async () => {
            const target = targets.get(key);
            const judged = target && judge(target, finding, group.check, Date.now());
            if (judged && JSON.stringify(judged) !== JSON.stringify(target)) {
                targets.put(key, judged);
                if (judged.state !== target.state) {
                    console.log(`${instance.name} is ${judged.state}: ${finding ?? "it answers"}`);
                }
            }
        });
    }
}

/** User data as a text: what is compressed, cloud-init would unpack itself. */
function userDataOf(base64: string): string {
    const bytes = Buffer.from(base64, "base64");
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** Makes an instance's machine. One whose making was interrupted is made anew. */
async function make(instance: InstanceRecord): Promise<void> {
    const { id, name, region, address, privateAddress } = instance;
    const template = templateOf(instance);
    const vpc = vpcs.get(subnets.get(instance.subnetId)?.vpcId ?? "");
    try {
        const architecture = images[template?.imageId ?? ""];
        if (!template || !vpc || architecture !== "x86_64") {
            throw new Error(
                `the lab makes machines of x86_64 images only, not of ${architecture ?? "unknown ones"}`,
            );
        }
        await createMachine({
            ...{ id, name, region, publicAddress: address, userData: userDataOf(template.userData) },
            privateAddress: { address: privateAddress, vpcId: vpc.id, vpcRange: vpc.cidr },
        });
        await protectInstance(id, rulesFor(instance), template.metadataHops);
    } catch (error) {
        await terminate(id, error instanceof Error ? error.message : String(error), true);
        return;
    }
    await booted(id);
    if (!instances.get(id)) {
        await destroyMachine(id);
    }
}

function rulesFor(instance: InstanceRecord) {
    const all = instances.all();
    return firewallOf(templateOf(instance)?.securityGroupIds ?? [], securityRules.all(), (groupId) =>
        all
            .filter((other) => templateOf(other)?.securityGroupIds.includes(groupId))
            .map(({ privateAddress }) => privateAddress),
    );
}

/** Keeps the firewalls of instances as their security groups are. */
async function protect(): Promise<void> {
    const { endpoints } = readNetwork();
    for (const instance of instances.all().filter((one) => one.booted)) {
        const endpoint = endpoints[machineNamespace(instance.id)];
        const rules = rulesFor(instance);
        const hops = templateOf(instance)?.metadataHops ?? 1;
        const same = JSON.stringify(endpoint?.firewall) === JSON.stringify(rules);
        if (endpoint && (!same || endpoint.metadataHops !== hops)) {
            await protectInstance(instance.id, rules, hops);
        }
    }
}

async function balance(): Promise<void> {
    const wanted = balancersOf({
        ...{ loadBalancers: loadBalancers.all(), listeners: listeners.all() },
        ...{ targetGroups: targetGroups.all(), targets: targets.all(), instances: instances.all() },
    });
    if (JSON.stringify(readNetwork().balancers ?? []) !== JSON.stringify(wanted)) {
        await setBalancers(wanted);
    }
}

/** Connections of others than this daemon to the instances that terminate. */
async function connectionsOf(
    own: readonly InstanceRecord[],
    group: GroupRecord,
): Promise<Record<string, number>> {
    const ports = group.targetGroupArns.flatMap((arn) => targetGroups.get(arn)?.port ?? []);
    const counts: Record<string, number> = {};
    for (const { id } of own.filter(({ lifecycle }) => lifecycle === "Terminating")) {
        const argv = inNetwork(machineNamespace(id), ["ss", "-Htn", "state", "established"]);
        const { code, stdout } = await run(argv, { allow: "any" });
        if (code === 0) {
            counts[id] = countConnections(stdout, ports);
        }
    }
    return counts;
}

/** How many connections `ss -Htn` shows at some local ports, this daemon's own checks apart. */
export function countConnections(shown: string, ports: readonly number[]): number {
    return shown.split("\n").filter((line) => {
        const [, , local = "", peer = ""] = line.trim().split(/\s+/);
        const atPort = ports.includes(Number(local.split(":").at(-1)));
        return atPort && !peer.startsWith(`${sites.aws ?? ""}:`);
    }).length;
}
