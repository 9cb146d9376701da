import { get } from "node:http";

import type { HealthCheck, TargetRecord } from "../records";

/* Health checks of targets, as a network load balancer makes them. */

/** What one check found: undefined when the target is well, else why not, in Amazon's words. */
export type Finding = string | undefined;

/** What a finding makes of a target's record. The first good one is enough for a new target. */
export function judge(target: TargetRecord, finding: Finding, check: HealthCheck, now: number): TargetRecord {
    if (target.state === "draining") {
        return target;
    }
    const well = finding === undefined;
    if (target.state === "initial" && well) {
        return { ...target, state: "healthy", proven: true, reason: undefined, streak: 0, since: now };
    }
    if (well ? target.state === "healthy" : target.state === "unhealthy") {
        return { ...target, streak: 0, reason: finding };
    }
    const streak = target.streak + 1;
    if (streak < (well ? check.healthy : check.unhealthy)) {
        return { ...target, streak };
    }
    const state = well ? "healthy" : "unhealthy";
    return { ...target, state, proven: target.proven || well, reason: finding, streak: 0, since: now };
}

/** Makes one check. Never throws. */
export function probe(address: string, trafficPort: number, check: HealthCheck): Promise<Finding> {
    const port = check.port === "traffic-port" ? trafficPort : Number(check.port);
    const timeout = check.timeoutSeconds * 1000;
    return new Promise((resolve) => {
        const timer = setTimeout(() => end("Request timed out"), timeout);
        const headers = { host: address, "user-agent": "ELB-HealthChecker/2.0" };
        const attempt = get({ host: address, port, path: check.path, headers, agent: false }, (response) => {
            const code = response.statusCode ?? 0;
            const isWell = isExpected(code, check.matcher);
            end(isWell ? undefined : `Health checks failed with these codes: [${code}]`);
        });
        attempt.on("error", (error) => end(`Health checks failed: ${error.message}`));

        function end(finding: Finding): void {
            clearTimeout(timer);
            attempt.destroy();
            resolve(finding);
        }
    });
}

/** Whether a code is one of `200,300-399`. */
export function isExpected(code: number, matcher: string): boolean {
    return matcher.split(",").some((part) => {
        const [from = "", to = from] = part.split("-");
        return code >= Number(from) && code <= Number(to);
    });
}
