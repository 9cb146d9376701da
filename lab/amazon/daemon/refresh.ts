import type { InstanceRecord, RefreshRecord } from "../records";

/* One step of an instance refresh: instances of an older template are replaced one after the other. */

export interface RefreshView {
    refresh: RefreshRecord;
    desired: number;
    /** All of the group's but those that terminate. */
    active: readonly InstanceRecord[];
    /** Those that terminate, and those that are about to. */
    leaving: readonly InstanceRecord[];
    /** Whether all of an instance's target groups find it healthy. */
    isHealthy: (instance: InstanceRecord) => boolean;
    now: number;
}

export interface RefreshStep {
    /** How many instances more than desired there may be for now. */
    surplus: number;
    /** The one to go now. */
    terminate?: InstanceRecord;
    /** What becomes of the refresh. */
    change?: Partial<RefreshRecord>;
}

export function refreshStep({ refresh, desired, active, leaving, isHealthy, now }: RefreshView): RefreshStep {
    const isNew = (one: InstanceRecord): boolean =>
        one.templateId === refresh.templateId && one.templateVersion === refresh.templateVersion;
    const failed = leaving.find(
        (one) => isNew(one) && one.failed === true && one.launchedAt >= refresh.startedAt,
    );
    const outdated = active.filter((one) => !isNew(one));
    if (failed) {
        const reason =
            `The instance ${failed.id} (${failed.name}) of version ${refresh.templateVersion} did not become ` +
            `healthy: ${failed.reason ?? "for reasons unknown"}. ${outdated.length} instance(s) of an older ` +
            "version stay in service.";
        return { surplus: 0, change: { status: "Failed", reason, endedAt: now } };
    }
    const fresh = active.filter(isNew);
    const isReady = (one: InstanceRecord): boolean =>
        one.lifecycle === "InService" &&
        isHealthy(one) &&
        now - (one.inServiceAt ?? now) >= refresh.warmupSeconds * 1000;
    const ready = fresh.filter(isReady);
    if (outdated.length === 0 && ready.length === fresh.length && fresh.length >= desired) {
        return { surplus: 0, change: { status: "Successful", percentage: 100, toUpdate: 0, endedAt: now } };
    }
    const percentage = Math.min(99, Math.floor((100 * ready.length) / Math.max(desired, 1)));
    const progressed = percentage !== refresh.percentage || outdated.length !== refresh.toUpdate;
    const step: RefreshStep = {
        surplus: Math.max(0, active.length - desired),
        change: progressed ? { percentage, toUpdate: outdated.length } : undefined,
    };
    if (ready.length < fresh.length || outdated.length === 0) {
        return step;
    }
    // Those that do not serve go first, then the oldest.
    const [next] = [...outdated].sort(
        (one, other) =>
            Number(one.lifecycle === "InService") - Number(other.lifecycle === "InService") ||
            one.launchedAt - other.launchedAt,
    );
    if (active.length > desired) {
        return { ...step, surplus: active.length - 1 - desired, terminate: next };
    }
    return refresh.minHealthyPercentage >= 100
        ? { ...step, surplus: 1 }
        : { ...step, surplus: 0, terminate: active.length < desired ? undefined : next };
}
