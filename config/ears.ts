import type { z } from "zod";

import { mostEarsStreams } from "../model/ears";
import { sizeFacts } from "../model/prices";
import { checkIntervalSeconds, recordTtlSeconds, type DnsConfig } from "./dns";
import type { MonitoringConfig } from "./monitoring";

interface ListenedTo {
    channels: readonly { formats: readonly unknown[] }[];
    relays: readonly unknown[];
    edge: { connectionsPerAddress: number };
    monitoring: MonitoringConfig;
}

/** Adds a mistake where the Ears would break a limit: of a Relay's for one address, or of the monitoring machine's memory. */
export function refuseEarsMistakes(station: ListenedTo, context: z.core.$RefinementCtx): void {
    const { channels, relays, edge, monitoring } = station;
    if (monitoring === "none") {
        return;
    }
    const mounts = channels.reduce((sum, { formats }) => sum + formats.length, 0);
    // All mounts of a region may be heard at the same Relay, and each Relay is in one region.
    if (mounts > edge.connectionsPerAddress) {
        context.addIssue({
            code: "custom",
            path: ["edge", "connectionsPerAddress"],
            input: edge.connectionsPerAddress,
            message:
                `the Ears of the monitoring machine listen to ${mounts} mounts of a Relay from one address; ` +
                `use ${mounts} or more`,
        });
    }
    const streams = mounts * relays.length;
    const most = mostEarsStreams(sizeFacts(monitoring.size).memoryMiB);
    if (streams > most) {
        context.addIssue({
            code: "custom",
            path: ["monitoring", "size"],
            input: monitoring.size,
            message:
                `the Ears decode ${mounts} mounts in ${relays.length} regions, and a droplet of this size carries ` +
                `${most} streams; use a size with more memory`,
        });
    }
}

/**
 * For how long DNS may differ from the Relays' health, in seconds: until checks have found it out, and the answers from
 * before are forgotten.
 */
export function dnsPatienceSeconds(dns: DnsConfig): number {
    return checkIntervalSeconds(dns) * dns.check.downAfter + recordTtlSeconds(dns);
}
