import { run } from "../../workstation/run";
import { inNetwork } from "../../network/network";
import { interfaceName } from "../../network/state";
import { machineNamespace } from "../../paths";
import { groups, instances, policies, type GroupRecord, type PolicyRecord } from "../records";
import { resize } from "./changes";
import { alarm, trackTarget } from "./tracking";

/*
 * Makes groups grow and shrink by what their instances send, counted at the router's end of their links. A group's
 * cooldown is for simple scaling only: target tracking waits for instances to warm up instead. Figures of the
 * last minutes are kept in memory only: after a start they are gathered anew, as after a pause in Amazon's metrics.
 */

interface Sample {
    at: number;
    /** Bytes since its link exists, by instance. */
    sent: Record<string, number>;
}

export class Scaler {
    private last: Sample | undefined;
    private readonly history = new Map<string, number[]>();

    /** Called often; works once a period. */
    async tick(): Promise<void> {
        const now = Date.now();
        const active = policies.all();
        if (active.length === 0 || now - (this.last?.at ?? 0) < alarm.periodSeconds * 1000) {
            return;
        }
        const before = this.last;
        const sample = { at: now, sent: await bytesSent() };
        this.last = sample;
        for (const policy of active) {
            const group = groups.get(policy.group);
            if (before && group && !group.deleting) {
                await this.follow(policy, group, before, sample);
            }
        }
    }

    private async follow(
        policy: PolicyRecord,
        group: GroupRecord,
        before: Sample,
        now: Sample,
    ): Promise<void> {
        const own = instances.all().filter((one) => one.group === group.name);
        const warmupMs = (policy.warmupSeconds ?? group.warmupSeconds ?? group.cooldownSeconds) * 1000;
        const warm = own.filter(
            ({ lifecycle, inServiceAt = now.at }) =>
                lifecycle === "InService" && now.at - inServiceAt >= warmupMs,
        );
        const history = this.history.get(policy.arn) ?? [];
        this.history.set(policy.arn, history);
        const rates = warm.flatMap(({ id }) => {
            const [from, to] = [before.sent[id], now.sent[id]];
            return from === undefined || to === undefined
                ? []
                : [((to - from) * 60_000) / (now.at - before.at)];
        });
        if (rates.length === 0) {
            return;
        }
        history.push(rates.reduce((sum, rate) => sum + rate, 0) / rates.length);
        history.splice(0, Math.max(0, history.length - alarm.periodsIn));
        const active = own.filter(({ lifecycle }) => lifecycle !== "Terminating");
        const decision = trackTarget({
            ...{ history, targetBytes: policy.targetBytes },
            ...{ desired: group.desired, min: group.min, max: group.max, warm: rates.length },
            warming: active.length !== warm.length || group.desired !== warm.length,
        });
        if (decision) {
            console.log(`${group.name}: ${group.desired} → ${decision.desired} (${decision.cause})`);
            history.splice(0);
            await resize(group.name, decision.desired, decision.cause);
        }
    }
}

/** What instances have sent, as the router has received it. */
async function bytesSent(): Promise<Record<string, number>> {
    const { stdout } = await run(inNetwork("router", ["ip", "-s", "-j", "link", "show"]));
    const links = JSON.parse(stdout) as { ifname: string; stats64?: { rx?: { bytes?: number } } }[];
    const bytes = new Map(links.map((link) => [link.ifname, link.stats64?.rx?.bytes ?? 0]));
    return Object.fromEntries(
        instances.all().flatMap(({ id }) => {
            const sent = bytes.get(interfaceName(machineNamespace(id)));
            return sent === undefined ? [] : [[id, sent]];
        }),
    );
}
