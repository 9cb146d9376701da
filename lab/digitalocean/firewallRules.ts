import type { FirewallRules } from "../network/state";
import { backend } from "./backend";
import {
    droplets,
    firewalls,
    reservedIps,
    type DropletRecord,
    type FirewallRecord,
    type RuleRecord,
} from "./records";

/** Resolves the firewalls that are attached to droplets, and has them enforced. */

function attachedTo(droplet: DropletRecord, firewall: FirewallRecord): boolean {
    return (
        firewall.dropletIds.includes(droplet.id) || firewall.tags.some((tag) => droplet.tags.includes(tag))
    );
}

/** Every address a droplet can be the sender of: its own, and reserved ones that stand on it. */
function addressesOf(droplet: DropletRecord): string[] {
    const reserved = reservedIps.all().filter((record) => record.dropletId === droplet.id);
    return [droplet.address, droplet.privateAddress, ...reserved.map((record) => record.ip)];
}

/** What a rule is about, in the network's terms. */
function subjectOf({ protocol, portRange }: RuleRecord): Pick<RuleRecord, "protocol"> & { ports: string } {
    return { protocol, ports: portRange === undefined || portRange === "0" ? "all" : portRange };
}

/** The other side of a rule as ranges. */
function rangesOf(rule: RuleRecord, all: readonly DropletRecord[]): string[] {
    const others = all.filter(
        (droplet) =>
            rule.dropletIds.includes(droplet.id) || rule.tags.some((tag) => droplet.tags.includes(tag)),
    );
    return [...new Set([...rule.addresses, ...others.flatMap(addressesOf)])].sort();
}

function rulesFor(droplet: DropletRecord, all: readonly DropletRecord[]): FirewallRules | undefined {
    const attached = firewalls.all().filter((firewall) => attachedTo(droplet, firewall));
    if (attached.length === 0) {
        return undefined;
    }
    return {
        inbound: attached.flatMap((firewall) =>
            firewall.inbound.map((rule) => ({ ...subjectOf(rule), sources: rangesOf(rule, all) })),
        ),
        outbound: attached.flatMap((firewall) =>
            firewall.outbound.map((rule) => ({ ...subjectOf(rule), destinations: rangesOf(rule, all) })),
        ),
    };
}

/**
 * Enforces the rules of every droplet anew. A firewall may name droplets by tag and as sources, so that one change of
 * a droplet can mean rules of many. Call it within `exclusively`.
 */
export async function enforceFirewalls(): Promise<void> {
    const cloud = backend();
    const active = droplets.all().filter((droplet) => droplet.status === "active");
    for (const droplet of active) {
        await cloud.protect(droplet, rulesFor(droplet, active));
    }
}
