import type { GroupRecord, InstanceRecord, RefreshRecord, TargetRecord } from "../records";
import { refreshStep } from "./refresh";

/* What a group needs next, by what is known of it. Nothing here does anything; see controller.ts. */

export interface GroupView {
    group: GroupRecord;
    instances: readonly InstanceRecord[];
    /** Subnets by zone: id → zone. */
    zones: Readonly<Record<string, string>>;
    /** Template version that a launch takes. */
    version: number;
    /** Ids of instances whose machine has no power, or is not there. */
    off: ReadonlySet<string>;
    targets: readonly TargetRecord[];
    /** The refresh under way. */
    refresh?: RefreshRecord;
    /** How long connections may take to leave, in seconds. */
    drainSeconds: number;
    /** Connections of listeners to those that terminate; nothing for those not yet counted. */
    connections: Readonly<Record<string, number>>;
    now: number;
}

export type Action =
    | { do: "launch"; subnetId: string; cause: string }
    | { do: "serve"; id: string }
    | { do: "terminate"; id: string; reason: string; failed: boolean }
    | { do: "destroy"; id: string }
    | { do: "refresh"; id: string; change: Partial<RefreshRecord> };

/** Connections that have just been made are not seen yet when an instance leaves the balancer. */
const settleMs = 2000;

/** How long after a failed launch the next is tried, in ms: ever longer. */
export function pauseAfter(failures: number): number {
    return failures === 0 ? 0 : Math.min(5000 * 2 ** (failures - 1), 60_000);
}

export function planGroup(view: GroupView): Action[] {
    const { group, instances, now } = view;
    const lost = instances
        .filter(({ lifecycle }) => lifecycle !== "Terminating")
        .flatMap((one) => lossOf(one, view));
    const leaving = new Set(lost.map(({ id }) => id));
    const actions: Action[] = [...lost, ...destructions(view)];
    const active = instances.filter(({ id, lifecycle }) => lifecycle !== "Terminating" && !leaving.has(id));
    if (group.deleting) {
        const gone = "a user request deleted the group";
        return [...actions, ...active.map(({ id }) => termination(id, gone, false))];
    }
    actions.push(
        ...active.filter((one) => mayServe(one, now)).map(({ id }): Action => ({ do: "serve", id })),
    );

    let surplus = 0;
    let rest = active;
    if (view.refresh) {
        const step = refreshStep({
            refresh: view.refresh,
            desired: group.desired,
            active,
            leaving: instances.flatMap((one) => {
                const loss = lost.find(({ id }) => id === one.id);
                return loss ? [{ ...one, ...loss }] : one.lifecycle === "Terminating" ? [one] : [];
            }),
            isHealthy: (one) => group.targetGroupArns.every((arn) => stateAt(view, arn, one) === "healthy"),
            now,
        });
        surplus = step.surplus;
        if (step.change) {
            actions.push({ do: "refresh", id: view.refresh.id, change: step.change });
        }
        const { terminate } = step;
        if (terminate) {
            actions.push(termination(terminate.id, "an instance refresh replaces it", false));
            rest = active.filter(({ id }) => id !== terminate.id);
        }
    }
    const missing = group.desired + surplus - rest.length;
    if (missing > 0 && now - group.failedAt >= pauseAfter(group.failures)) {
        const cause = `the group wants ${group.desired + surplus} instance(s) and has ${rest.length}`;
        actions.push(
            ...placesFor(missing, rest, view.zones).map((subnetId): Action => ({
                do: "launch",
                subnetId,
                cause,
            })),
        );
    }
    const cause = `the group wants ${group.desired} instance(s) and has ${rest.length}`;
    actions.push(...superfluous(-missing, rest).map(({ id }) => termination(id, cause, false)));
    return actions;
}

type Termination = Extract<Action, { do: "terminate" }>;

function termination(id: string, reason: string, failed: boolean): Termination {
    return { do: "terminate", id, reason, failed };
}

/** Why an instance cannot stay. */
function lossOf(one: InstanceRecord, view: GroupView): Termination[] {
    const { group, now } = view;
    const launching = one.lifecycle !== "InService";
    // An instance that never served tells of its template, one that did of its machine.
    const own = view.targets.filter(({ instanceId }) => instanceId === one.id);
    const failed = launching || (own.length > 0 && !own.some(({ proven }) => proven));
    if (one.booted && view.off.has(one.id)) {
        return [
            termination(one.id, "an EC2 health check found that it has been terminated or stopped", failed),
        ];
    }
    const { hook } = one;
    if (one.lifecycle === "Pending:Wait" && hook) {
        const defaultResult = group.hooks.find(({ name }) => name === hook.name)?.defaultResult ?? "ABANDON";
        if (hook.result === "ABANDON") {
            return [termination(one.id, `its lifecycle action ${hook.name} was answered with ABANDON`, true)];
        }
        if (hook.result === undefined && now >= hook.deadline && defaultResult === "ABANDON") {
            const reason = `its lifecycle action ${hook.name} was not answered before its heartbeat timeout`;
            return [termination(one.id, reason, true)];
        }
    }
    const graceOver = now - (one.inServiceAt ?? now) > group.graceSeconds * 1000;
    if (!launching && group.healthCheckType === "ELB" && graceOver) {
        const sick = own.find(({ state }) => state === "unhealthy");
        if (sick) {
            const detail = sick.reason === undefined ? "" : `: ${sick.reason}`;
            return [termination(one.id, `an ELB health check found it unhealthy${detail}`, failed)];
        }
    }
    return [];
}

function stateAt(view: GroupView, arn: string, one: InstanceRecord): TargetRecord["state"] | undefined {
    return view.targets.find((target) => target.targetGroupArn === arn && target.instanceId === one.id)
        ?.state;
}

function mayServe({ lifecycle, booted, hook }: InstanceRecord, now: number): boolean {
    if (lifecycle === "Pending:Wait") {
        // A deadline that ends in ABANDON has been dealt with before.
        return hook === undefined || hook.result === "CONTINUE" || now >= hook.deadline;
    }
    return lifecycle === "Pending" && booted;
}

/** Those that terminate and need wait no longer. */
function destructions(view: GroupView): Action[] {
    return view.instances
        .filter(({ lifecycle }) => lifecycle === "Terminating")
        .filter((one) => {
            const waited = view.now - (one.terminatingAt ?? 0);
            const served = one.inServiceAt !== undefined && view.group.targetGroupArns.length > 0;
            return (
                !served ||
                view.off.has(one.id) ||
                waited >= view.drainSeconds * 1000 ||
                (waited >= settleMs && view.connections[one.id] === 0)
            );
        })
        .map(({ id }): Action => ({ do: "destroy", id }));
}

/** Subnets for new instances: each in the zone that has the fewest by then. */
function placesFor(
    count: number,
    active: readonly InstanceRecord[],
    zones: Readonly<Record<string, string>>,
): string[] {
    const held = active.map(({ zone }) => zone);
    return Array.from({ length: count }, () => {
        const inZone = (zone: string): number => held.filter((one) => one === zone).length;
        const [place] = Object.entries(zones).sort(([, one], [, other]) => inZone(one) - inZone(other));
        const [subnetId = "", zone = ""] = place ?? [];
        held.push(zone);
        return subnetId;
    }).filter((subnetId) => subnetId !== "");
}

/**
 * Amazon's default choice: of the zone that has the most, the one of the oldest template; among equals the oldest. Those
 * that do not serve yet go before all others.
 */
function superfluous(count: number, active: readonly InstanceRecord[]): InstanceRecord[] {
    const rest = [...active];
    return Array.from({ length: Math.max(0, count) }, () => {
        const inZone = (zone: string): number => rest.filter((one) => one.zone === zone).length;
        rest.sort(
            (one, other) =>
                Number(one.lifecycle === "InService") - Number(other.lifecycle === "InService") ||
                inZone(other.zone) - inZone(one.zone) ||
                one.templateVersion - other.templateVersion ||
                one.launchedAt - other.launchedAt,
        );
        return rest.shift();
    }).filter((one) => one !== undefined);
}
