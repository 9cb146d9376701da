import * as pulumi from "@pulumi/pulumi";

import type { StationPlan } from "../model/plan";
import { describeDifference, describePlan } from "../model/plan/text";
import { stalePrices } from "../model/prices";
import { previousOutputs } from "./stackOutputs";

/**
 * Says in a preview what the station is to cost, what of that changes against the last `up` (its output `plan`), and what
 * to look at. Says nothing during the change itself.
 *
 * @param today as in `2026-11-28`; prices that are older than six months are warned of.
 */
export async function announcePlan(
    plan: StationPlan,
    today = new Date().toISOString().slice(0, 10),
): Promise<void> {
    if (!pulumi.runtime.isDryRun()) {
        return;
    }
    for (const warning of [...plan.warnings, ...stalePrices(today)]) {
        await pulumi.log.warn(`Plan: ${warning}`);
    }
    for (const line of [...describePlan(plan), ...(await differenceOf(plan))]) {
        await pulumi.log.info(line);
    }
}

async function differenceOf(plan: StationPlan): Promise<string[]> {
    try {
        const { plan: previous } = await previousOutputs();
        return describeDifference(previous as StationPlan | undefined, plan);
    } catch (error) {
        return [`Plan: what it changes is not known: ${String(error)}`];
    }
}
