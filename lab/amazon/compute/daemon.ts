import { setTimeout as sleep } from "node:timers/promises";

import { ensureAws } from "../daemon";
import { labMode } from "../../cloud/mode";
import { activities, instances, type GroupRecord } from "./groups";

/* What the kinds want of the lab's daemon, which brings their records to life. In record mode there is none. */

/** Sees to it that the daemon runs. */
export async function wakeDaemon(): Promise<void> {
    if (labMode() === "machines") {
        await ensureAws();
    }
}

/** `10m`, `90s`, `1h30m` or `0` in ms; undefined when it is none of these. */
export function durationMs(text: string): number | undefined {
    if (text === "0") {
        return 0;
    }
    const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
    if (!parts || text === "") {
        return undefined;
    }
    const [hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
    return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/**
 * Waits until the group has as many instances in service as it wants, as the real provider does.
 *
 * @throws after `timeout` with what the group last tried.
 */
export async function waitForCapacity(group: GroupRecord, timeout: string): Promise<void> {
    const limitMs = durationMs(timeout) ?? 0;
    if (labMode() === "record" || limitMs === 0) {
        return;
    }
    const deadline = Date.now() + limitMs;
    for (;;) {
        const serving = instances
            .all()
            .filter(({ group: name, lifecycle }) => name === group.name && lifecycle === "InService").length;
        if (serving >= group.desired) {
            return;
        }
        if (Date.now() > deadline) {
            throw new Error(
                `waiting for Auto Scaling Group (${group.name}) capacity satisfied: timeout while waiting for state ` +
                    `to become 'ok' (last state: 'want exactly ${group.desired} healthy instance(s) in Auto Scaling ` +
                    `Group, have ${serving}', timeout: ${timeout})${lastFailure(group.name)}`,
            );
        }
        await sleep(200);
    }
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
    const deadline = Date.now() + limitMs;
    for (;;) {
        const left = instances.all().filter((instance) => instance.group === group);
        if (left.length === 0) {
            return;
        }
        if (Date.now() > deadline) {
            const names = left.map(({ name }) => name).join(", ");
            throw new Error(`waiting for Auto Scaling Group (${group}) drain: ${names} did not go`);
        }
        await sleep(200);
    }
}
