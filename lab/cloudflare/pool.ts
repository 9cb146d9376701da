import { z } from "zod";

import { notUnique, validationFailed } from "./api";
import { accountFacts } from "./facts";
import { identifier, oneOf, regionCode } from "./inputs";
import { objectKind, type Change } from "./kind";
import { pools, type PoolRecord } from "./records";

const inputs = z.strictObject({
    accountId: identifier,
    name: z.string(),
    description: z.string().optional(),
    enabled: z.boolean().default(true),
    origins: z.array(
        z.strictObject({
            name: z.string().default(""),
            address: z.string().default(""),
            enabled: z.boolean().default(true),
            weight: z.number().min(0).max(1).default(1),
        }),
    ),
    originSteering: z
        .strictObject({
            policy: oneOf("origin_steering.policy", [
                "random",
                "hash",
                "least_outstanding_requests",
                "least_connections",
            ]),
        })
        .optional(),
    monitor: identifier.optional(),
    minimumOrigins: z.int().default(1),
    latitude: z.number().optional(),
    longitude: z.number().optional(),
    checkRegions: z.array(regionCode).optional(),
});
type Inputs = z.output<typeof inputs>;

function check({ given, record, request, present }: Change<Inputs, PoolRecord>): void {
    const facts = accountFacts(given.accountId, request);
    const others = present.pools.filter(
        (pool) => pool.accountId === given.accountId && pool.id !== record.id,
    );
    if (!/^[A-Za-z0-9_-]+$/.test(given.name)) {
        throw validationFailed(
            request,
            `pool name ${JSON.stringify(given.name)} may contain only alphanumeric characters, hyphens, and underscores`,
        );
    }
    if (others.some((pool) => pool.name === given.name)) {
        throw notUnique(request);
    }
    if (others.length >= facts.pools) {
        throw validationFailed(request, `the maximum number of pools, ${facts.pools}, has been reached`);
    }
    const left = facts.endpoints - others.reduce((sum, pool) => sum + pool.origins.length, 0);
    if (given.origins.length < 1 || given.origins.length > left) {
        throw validationFailed(request, `the origin list length must be in range [1, ${left}]`);
    }
    checkOrigins(given, request);
    if (given.monitor !== undefined && !present.monitors.some(({ id }) => id === given.monitor)) {
        throw validationFailed(request, `monitor ${given.monitor} does not exist`);
    }
    if (given.monitor !== undefined && given.checkRegions === undefined && !facts.checksFromEverywhere) {
        throw validationFailed(
            request,
            "Probing from every data centre is not allowed with this subscription. Please choose regions to probe from.",
        );
    }
    if ((given.latitude === undefined) !== (given.longitude === undefined)) {
        throw validationFailed(request, "latitude and longitude must be set together");
    }
    if (Math.abs(given.latitude ?? 0) > 90 || Math.abs(given.longitude ?? 0) > 180) {
        throw validationFailed(
            request,
            "latitude must be in range [-90, 90], longitude in range [-180, 180]",
        );
    }
}

function checkOrigins({ origins, minimumOrigins }: Inputs, request: string): void {
    if (origins.some(({ address }) => address === "")) {
        throw validationFailed(request, "origin address must not be empty");
    }
    for (const property of ["name", "address"] as const) {
        const values = origins.map((origin) => origin[property]).filter((value) => value !== "");
        if (new Set(values).size < values.length) {
            throw validationFailed(request, `origin ${property} must be unique within a pool`);
        }
    }
    if (origins.some(({ weight }) => Math.abs(weight * 100 - Math.round(weight * 100)) > 1e-6)) {
        throw validationFailed(request, "origin weight must be a multiple of 0.01");
    }
    if (minimumOrigins < 0 || minimumOrigins > origins.length) {
        throw validationFailed(request, `minimum_origins must be in range [0, ${origins.length}]`);
    }
}

export const loadBalancerPool = objectKind({
    type: "cloudflare:index/loadBalancerPool:LoadBalancerPool",
    inputs,
    list: "pools",
    check,

    recordOf(given, { id, urn, createdOn }) {
        const { accountId, name, enabled, monitor, minimumOrigins, origins } = given;
        const steering = given.originSteering?.policy;
        return { id, urn, createdOn, accountId, name, enabled, monitor, minimumOrigins, origins, steering };
    },

    // The API gives a pool's origins back in the order of their names, as text, whatever order they were given in, and
    // they are a list in the provider (its pull request 7209; issues 6140, 7028, 7179). It spells out the defaults.
    readInputs: ({ id, inputs: { origins: given } }) => ({
        origins: [...(pools.get(id)?.origins ?? given)].sort((one, other) =>
            one.name < other.name ? -1 : 1,
        ),
    }),
});
