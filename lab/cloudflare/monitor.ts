import { z } from "zod";

import { validationFailed } from "./api";
import { accountFacts } from "./facts";
import { identifier, oneOf } from "./inputs";
import { objectKind, type Change } from "./kind";
import type { MonitorRecord } from "./records";

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

function check({ given, request }: Change<Inputs, MonitorRecord>): void {
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

export const loadBalancerMonitor = objectKind({
    type: "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor",
    inputs,
    list: "monitors",
    check,

    recordOf(given, { id, urn, createdOn }) {
        const { accountId, type, method, path, port, header = {}, expectedCodes } = given;
        return {
            ...{ id, urn, createdOn, accountId, type, method, path, port, header, expectedCodes },
            intervalSeconds: given.interval,
            timeoutSeconds: given.timeout,
            retries: given.retries,
            consecutiveUp: given.consecutiveUp,
            consecutiveDown: given.consecutiveDown,
        };
    },
});
