import type { FirewallRules } from "../../network/state";
import type { SecurityRuleRecord } from "../records";

/** Security groups as an endpoint's firewall: what no rule allows is dropped; replies need no rule. */
export function firewallOf(
    groupIds: readonly string[],
    rules: readonly SecurityRuleRecord[],
    /** Private addresses of a group's instances. */
    membersOf: (groupId: string) => string[],
): FirewallRules {
    const own = rules.filter(({ groupId }) => groupIds.includes(groupId));
    const parts = (direction: SecurityRuleRecord["direction"]) =>
        own
            .filter((rule) => rule.direction === direction)
            .flatMap((rule) => {
                const ranges = rule.cidr === undefined ? membersOf(rule.peerGroupId ?? "") : [rule.cidr];
                // A rule for a group of nobody allows nothing.
                return ranges.length === 0 ? [] : subjectsOf(rule).map((subject) => ({ ...subject, ranges }));
            });
    return {
        inbound: parts("ingress").map(({ ranges: sources, ...subject }) => ({ ...subject, sources })),
        outbound: parts("egress").map(({ ranges: destinations, ...subject }) => ({
            ...subject,
            destinations,
        })),
    };
}

type Subject = Pick<FirewallRules["inbound"][number], "protocol" | "ports">;

function subjectsOf({ protocol, fromPort, toPort }: SecurityRuleRecord): Subject[] {
    if (protocol === "-1") {
        return (["tcp", "udp", "icmp"] as const).map((one) => ({ protocol: one, ports: "all" }));
    }
    if (protocol === "icmp") {
        return [{ protocol, ports: "all" }];
    }
    const all = fromPort <= 0 && toPort === 65_535;
    return [{ protocol, ports: all ? "all" : `${fromPort}-${toPort}` }];
}
