import { cloudflarePrices, route53Prices } from "../prices";
import type { StationToPlan } from "./station";

/** Each listener asks for the name every half hour: when they come, and as players and resolvers ask again. */
const queriesPerListenerHour = 2;

/**
 * What names with health checks cost in a month, in US dollars.
 *
 * @returns undefined for Cloudflare's plan `enterprise`: the contract says it.
 */
export function namesMonthlyUsd(
    dns: StationToPlan["dns"],
    endpoints: number,
    listenerHours: number,
): number | undefined {
    const queries = listenerHours * queriesPerListenerHour;
    if (dns.service === "route53") {
        return (
            route53Prices.zoneMonthlyUsd +
            endpoints * route53Prices.checkMonthlyUsd +
            (queries / 1e6) * route53Prices.usdPerMillionQueries
        );
    }
    const planUsd = cloudflarePrices.plans[dns.plan].monthlyUsd;
    if (planUsd === undefined) {
        return undefined;
    }
    const { balancingMonthlyUsd, includedEndpoints, endpointMonthlyUsd, steeringMonthlyUsd } =
        cloudflarePrices;
    const { includedQueries, usdPerMillionQueries } = cloudflarePrices;
    return (
        planUsd +
        balancingMonthlyUsd +
        Math.max(0, endpoints - includedEndpoints) * endpointMonthlyUsd +
        steeringMonthlyUsd +
        (Math.max(0, queries - includedQueries) / 1e6) * usdPerMillionQueries
    );
}
