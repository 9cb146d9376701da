/*
 * Target tracking on outgoing bytes, as Amazon's: an alarm for too much that fires soon, and one for too little that
 * fires late; growth at once to what the load needs, shrinking one by one.
 */

/**
 * Amazon's alarms look at minutes: 3 above the target to grow, 15 below nine tenths of it to shrink. A drill has no
 * such time; here a "minute" takes 2 s, and bytes are still told by the minute.
 */
export const alarm = { periodSeconds: 2, periodsOut: 3, periodsIn: 15, lowShare: 0.9 };

export interface Situation {
    /** Average bytes a minute of each instance that has warmed up, one figure a period, the newest last. */
    history: readonly number[];
    targetBytes: number;
    desired: number;
    min: number;
    max: number;
    /** Instances in service that have warmed up: those the figures are of. */
    warm: number;
    /** Whether instances are still coming or warming up. */
    warming: boolean;
}

export interface Decision {
    desired: number;
    cause: string;
}

/** What size the load asks for; undefined when the present one is right, or it is too early to say. */
export function trackTarget(situation: Situation): Decision | undefined {
    const { history, targetBytes, desired, min, max, warm } = situation;
    const latest = history.at(-1);
    if (latest === undefined || warm === 0) {
        return undefined;
    }
    const needed = Math.ceil((warm * latest) / targetBytes);
    const figures = `${Math.round(latest)} bytes a minute on ${warm} instance(s), target ${targetBytes}`;
    if (alarmed(history, alarm.periodsOut, (value) => value > targetBytes)) {
        const wanted = Math.min(needed, max);
        return wanted > desired ? { desired: wanted, cause: `AlarmHigh: ${figures}` } : undefined;
    }
    // Less load while new instances take their share says nothing yet.
    if (situation.warming || desired <= min) {
        return undefined;
    }
    if (alarmed(history, alarm.periodsIn, (value) => value < targetBytes * alarm.lowShare)) {
        // One instance less must bear the load.
        return needed < desired
            ? { desired: Math.max(desired - 1, min), cause: `AlarmLow: ${figures}` }
            : undefined;
    }
    return undefined;
}

function alarmed(history: readonly number[], periods: number, breaches: (value: number) => boolean): boolean {
    return history.length >= periods && history.slice(-periods).every(breaches);
}
