import { setTimeout as sleep } from "node:timers/promises";

import { activities, groups, instances, type InstanceRecord } from "../records";

/* What the provider waits for while the daemon brings a group's records to life. */

/** `10m`, `90s`, `1h30m` or `0` in ms; undefined when it is none of these. */
export function durationMs(text: string): number | undefined {
    const parts = /^(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text === "0" ? "0s" : text);
    if (!parts) {
        return undefined;
    }
    const [hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
    return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

async function until(limitMs: number, isReached: () => boolean, failure: () => string): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!isReached()) {
        if (Date.now() > deadline) {
            throw new Error(failure());
        }
        await sleep(200);
    }
}

function instancesOf(group: string): InstanceRecord[] {
    return instances.all().filter((instance) => instance.group === group);
}

/**
 * Waits until the group has as many instances in service as it wants, as the real provider does.
 *
 * @throws after `timeout` with what the group last tried.
 */
export async function waitForCapacity(group: string, timeout: string): Promise<void> {
    const limitMs = durationMs(timeout) ?? 0;
    if (limitMs === 0) {
        return;
    }
    const wanted = groups.get(group)?.desired ?? 0;
    const serving = () => instancesOf(group).filter(({ lifecycle }) => lifecycle === "InService").length;
    await until(
        limitMs,
        () => serving() >= wanted,
        () =>
            `waiting for Auto Scaling Group (${group}) capacity satisfied: timeout while waiting for state ` +
            `to become 'ok' (last state: 'want exactly ${wanted} healthy instance(s) in Auto Scaling ` +
            `Group, have ${serving()}', timeout: ${timeout})${lastFailure(group)}`,
    );
}

/** The group's last activity that failed, for errors. */
function lastFailure(group: string): string {
    const failed = activities
        .all()
        .filter((activity) => activity.group === group && activity.status === "Failed")
        .sort((one, other) => other.startedAt - one.startedAt)[0];
    return failed ? `: ${failed.description}: ${failed.message ?? failed.cause}` : "";
}

/** Waits until all of a group's instances are gone. @throws when some are left after `limitMs`. */
export async function waitForEmpty(group: string, limitMs: number): Promise<void> {
    await until(
        limitMs,
        () => instancesOf(group).length === 0,
        () => {
            const names = instancesOf(group).map(({ name }) => name);
            return `waiting for Auto Scaling Group (${group}) drain: ${names.join(", ")} did not go`;
        },
    );
}
