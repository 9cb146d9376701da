import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { ConfigError } from "../../config/errors";
import { beyondLimits, stationToPlan } from "../../config/plan";
import type { Station } from "../../config/schema";
import { parseStation } from "../../config/station";
import { checkout } from "../../lab/paths";
import { planStation } from "../../model/plan";
import { planLevers } from "../../model/plan/levers";
import { describeShortages, planTable } from "../../model/plan/text";
import { stalePrices } from "../../model/prices";
import { withListeners, type AskedListeners } from "./listeners";

export interface PlanOptions {
    /** Reads `Pulumi.<stack>.yaml`. */
    stack?: string;
    /** Reads this file instead. */
    file?: string;
    listeners?: AskedListeners;
    json?: boolean;
}

/** What the command says. */
export interface PlanAnswer {
    text: string;
    warnings: string[];
    /** Why the station could not lose a region. */
    shortages: string[];
}

/**
 * Plans the station of a stack's file.
 *
 * @param today as in `2026-11-28`; prices that are older than six months are warned of.
 * @throws when there is no such file, or it has a mistake; and when listeners are asked for where there are no Relays.
 */
export function runPlan({ stack, file, listeners, json }: PlanOptions, today: string): PlanAnswer {
    const station = readStation(stack, file);
    const configured = stationToPlan(station);
    const asked = listeners === undefined ? configured : withListeners(configured, listeners);
    const plan = planStation(asked);
    const levers = planLevers(asked);
    const counts = plan.pools.map(({ count }) => count);
    return {
        text: json ? JSON.stringify({ ...plan, levers }, null, 2) : planTable(plan, levers).join("\n"),
        warnings: [...plan.warnings, ...beyondLimits(station, counts), ...stalePrices(today)],
        shortages: describeShortages({ ...plan, peak: plan.listeners?.peak ?? 0 }).map(({ words }) => words),
    };
}

function readStation(stack: string | undefined, file: string | undefined): Station {
    if ((stack === undefined) === (file === undefined)) {
        throw new Error("name one station: --stack prod, or --file docs/stations/small.yaml");
    }
    const path = file === undefined ? join(checkout, `Pulumi.${stack}.yaml`) : resolve(file);
    if (!existsSync(path)) {
        throw new Error(`there is no file ${path}`);
    }
    const { config } = (parse(readFileSync(path, "utf8")) ?? {}) as { config?: Record<string, unknown> };
    try {
        return parseStation(config?.["aerial:station"]);
    } catch (error) {
        throw error instanceof ConfigError ? new Error(`${path}: ${error.message}`, { cause: error }) : error;
    }
}
