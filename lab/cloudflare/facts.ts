import { labMode } from "../cloud/mode";
import { ApiError, noRoute } from "./api";

/*
 * What accounts and zones are allowed. Sources: Cloudflare's load-balancing documentation (limitations, monitor
 * settings) and the API's own refusals, read 2026-09.
 */

export interface AccountFacts {
    pools: number;
    balancers: number;
    /** Over all pools. */
    endpoints: number;
    /** Shortest time between two health checks, in seconds. */
    minimumInterval: number;
    /** Whether checks may come from every data centre, which is what a pool without `checkRegions` asks for. */
    checksFromEverywhere: boolean;
    /** Shortest time to live of a plain record, in seconds. */
    minimumTtl: number;
}

/** What everybody can buy. The lab cannot know another account's contract, so it lets it have no more than this. */
const selfService: AccountFacts = {
    pools: 20,
    balancers: 20,
    endpoints: 20,
    minimumInterval: 15,
    checksFromEverywhere: false,
    minimumTtl: 60,
};

/** The account that the lab's own station uses. Its contract lets health be checked as often as drills need. */
const labAccountId = "0000000000000000000000000000000a";

const accounts: Readonly<Record<string, AccountFacts>> = {
    [labAccountId]: {
        pools: 1000,
        balancers: 1000,
        endpoints: 1000,
        minimumInterval: 2,
        checksFromEverywhere: true,
        minimumTtl: 30,
    },
};

/** Zones of the lab's account, by id. */
export const labZones: Readonly<Record<string, string>> = {
    "00000000000000000000000000000001": "radio.test",
};

/**
 * What an account may do.
 *
 * @throws when machines answer and it is not the lab's own: there are no names to serve for others.
 */
export function accountFacts(accountId: string, request: string): AccountFacts {
    const facts = accounts[accountId];
    if (!facts && labMode() === "machines") {
        throw new ApiError(403, request, { code: 10000, message: "Authentication error" });
    }
    return facts ?? selfService;
}

/** What a zone's account may do, and the zone's name, which is unknown while only records are kept. */
export function zoneFacts(zoneId: string, request: string): { account: AccountFacts; name?: string } {
    const name = labZones[zoneId];
    if (name === undefined && labMode() === "machines") {
        throw noRoute(request);
    }
    return name === undefined
        ? { account: selfService }
        : { account: accountFacts(labAccountId, request), name };
}
