import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { notFound, stillReferenced, validationFailed } from "./api";
import { change, withChange } from "./backend";
import { monitors, newId, pools, type MonitorRecord } from "./cloud";
import { accountFacts } from "./facts";
import { identifier, oneOf } from "./inputs";

const inputs = z.strictObject({
    accountId: identifier,
    description: z.string().optional(),
    type: oneOf("type", ["http", "https", "tcp", "udp_icmp", "icmp_ping", "smtp"]).default("http"),
    method: z.string().default("GET"),
    path: z.string().default("/"),
    port: z.int().default(0),
    header: z.record(z.string(), z.array(z.string())).optional(),
    expectedCodes: z.string().default("200"),
    interval: z.int().default(60),
    timeout: z.int().default(5),
    retries: z.int().default(2),
    consecutiveUp: z.int().default(0),
    consecutiveDown: z.int().default(0),
    allowInsecure: z.boolean().default(false),
    followRedirects: z.boolean().default(false),
});
type Inputs = z.output<typeof inputs>;

function check(given: Inputs, request: string): void {
    const within = (name: keyof Inputs, least: number, most: number): void => {
        const value = Number(given[name]);
        if (value < least || value > most) {
            throw validationFailed(request, `${name} is not in range [${least}, ${most}]`);
        }
    };
    within("interval", accountFacts(given.accountId, request).minimumInterval, 3600);
    within("timeout", 1, 10);
    within("retries", 0, 5);
    within("port", 0, 65535);
    within("consecutiveUp", 0, 10);
    within("consecutiveDown", 0, 10);
    if (!given.path.startsWith("/")) {
        throw validationFailed(request, "path must start with /");
    }
    if (!/^([1-5](xx|\d\d))(,[1-5](xx|\d\d))*$/.test(given.expectedCodes)) {
        throw validationFailed(request, `expected_codes ${JSON.stringify(given.expectedCodes)} is invalid`);
    }
    if (given.type === "tcp" && given.port === 0) {
        throw validationFailed(request, "port is required for TCP monitors");
    }
}

function recordOf(given: Inputs, base: Pick<MonitorRecord, "id" | "urn" | "createdOn">): MonitorRecord {
    const { accountId, type, method, path, port, header = {}, expectedCodes } = given;
    return {
        ...base,
        ...{ accountId, type, method, path, port, header, expectedCodes },
        intervalSeconds: given.interval,
        timeoutSeconds: given.timeout,
        retries: given.retries,
        consecutiveUp: given.consecutiveUp,
        consecutiveDown: given.consecutiveDown,
    };
}

/** Takes a monitor out of the account; succeeds when it is gone already. */
export async function removeMonitor(id: string): Promise<void> {
    const record = monitors.get(id);
    if (!record) {
        return;
    }
    await change((present) => {
        if (pools.all().some((pool) => pool.monitor === id)) {
            throw stillReferenced(`DELETE /accounts/${record.accountId}/load_balancers/monitors/${id}`);
        }
        return {
            next: { ...present, monitors: withChange(present.monitors, id, undefined) },
            commit: () => monitors.remove(id),
        };
    });
}

export const loadBalancerMonitor = resourceKind({
    type: "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor",
    inputs,

    async create(given, { urn }) {
        const now = new Date().toISOString();
        const record = recordOf(given, { urn, id: newId(), createdOn: now });
        await change((present) => {
            check(given, `POST /accounts/${given.accountId}/load_balancers/monitors`);
            return {
                next: { ...present, monitors: withChange(present.monitors, record.id, record) },
                commit: () => monitors.put(record.id, record),
            };
        });
        return { id: record.id, outputs: { createdOn: now, modifiedOn: now } };
    },

    read: async ({ id, outputs }) => (monitors.get(id) ? outputs : undefined),

    async update({ id }, given) {
        const request = `PUT /accounts/${given.accountId}/load_balancers/monitors/${id}`;
        await change((present) => {
            const old = monitors.get(id);
            if (!old) {
                throw notFound(request, id);
            }
            check(given, request);
            const record = recordOf(given, old);
            return {
                next: { ...present, monitors: withChange(present.monitors, id, record) },
                commit: () => monitors.put(id, record),
            };
        });
        return { modifiedOn: new Date().toISOString() };
    },

    delete: ({ id }) => removeMonitor(id),
});
