import { randomUUID } from "node:crypto";
import { isIPv4 } from "node:net";

import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { exclusively } from "../cloud/records";
import { ApiError, changing, notFound } from "./api";
import { maxFirewallDroplets, maxFirewallTags } from "./facts";
import { enforceFirewalls } from "./firewallRules";
import { oneOf, tags, text } from "./inputs";
import { droplets, firewalls, type FirewallRecord, type RuleRecord } from "./records";

const notHere = (what: string) => z.array(text).max(0, `the lab cloud has no ${what}`).optional();

const protocol = oneOf(["tcp", "udp", "icmp"]);

const inbound = z.strictObject({
    protocol,
    portRange: text.optional(),
    sourceAddresses: z.array(text).optional(),
    sourceDropletIds: z.array(z.int()).optional(),
    sourceTags: tags.optional(),
    sourceLoadBalancerUids: notHere("load balancers"),
    sourceKubernetesIds: notHere("Kubernetes"),
});

const outbound = z.strictObject({
    protocol,
    portRange: text.optional(),
    destinationAddresses: z.array(text).optional(),
    destinationDropletIds: z.array(z.int()).optional(),
    destinationTags: tags.optional(),
    destinationLoadBalancerUids: notHere("load balancers"),
    destinationKubernetesIds: notHere("Kubernetes"),
});

const needsPort = (rule: { protocol: string; portRange?: string | undefined }): boolean =>
    rule.protocol === "icmp" || rule.portRange !== undefined;
const portMessage = (direction: string): string =>
    `\`port_range\` of ${direction} rules is required if protocol is \`tcp\` or \`udp\``;

const inputs = z.strictObject({
    name: text,
    dropletIds: z.array(z.int()).optional(),
    tags: tags.optional(),
    inboundRules: z.array(inbound.refine(needsPort, portMessage("inbound"))).optional(),
    outboundRules: z.array(outbound.refine(needsPort, portMessage("outbound"))).optional(),
});

type Inputs = z.output<typeof inputs>;

function isPortRange(range: string): boolean {
    if (range === "all" || range === "0") {
        return true;
    }
    const [first = NaN, last = first, ...rest] = range
        .split("-")
        .map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
    return rest.length === 0 && first >= 1 && first <= last && last <= 65535;
}

function isAddress(address: string): boolean {
    const [base = "", length = "32", ...rest] = address.split("/");
    if (rest.length > 0 || !/^\d{1,3}$/.test(length)) {
        return false;
    }
    return base.includes(":") ? Number(length) <= 128 : isIPv4(base) && Number(length) <= 32;
}

type InboundRule = z.output<typeof inbound>;
type OutboundRule = z.output<typeof outbound>;

function inboundRecord({ sourceAddresses, sourceDropletIds, sourceTags, ...rule }: InboundRule): RuleRecord {
    const { protocol, portRange } = rule;
    return {
        ...{ protocol, portRange, addresses: sourceAddresses ?? [] },
        ...{ dropletIds: sourceDropletIds ?? [], tags: sourceTags ?? [] },
    };
}

function outboundRecord(given: OutboundRule): RuleRecord {
    const { protocol, portRange, destinationAddresses, destinationDropletIds, destinationTags } = given;
    return {
        ...{ protocol, portRange, addresses: destinationAddresses ?? [] },
        ...{ dropletIds: destinationDropletIds ?? [], tags: destinationTags ?? [] },
    };
}

function checkRule(rule: RuleRecord, request: string, side: string): void {
    if (rule.protocol !== "icmp" && !isPortRange(rule.portRange ?? "")) {
        throw new ApiError(422, request, "invalid ports range");
    }
    const bad = rule.addresses.find((address) => !isAddress(address));
    if (bad !== undefined) {
        throw new ApiError(422, request, `invalid address: ${bad}`);
    }
    if (rule.addresses.length + rule.dropletIds.length + rule.tags.length === 0) {
        throw new ApiError(422, request, `rule must have at least one ${side}`);
    }
    checkDroplets(rule.dropletIds, request);
}

function checkDroplets(ids: readonly number[], request: string): void {
    const missing = ids.find((id) => !droplets.get(String(id)));
    if (missing !== undefined) {
        throw new ApiError(422, request, `droplet ${missing} not found`);
    }
}

/** Refuses what the API refuses. */
function admit(
    given: Inputs,
    request: string,
    self?: string,
): Omit<FirewallRecord, "id" | "urn" | "createdAt"> {
    if ((given.inboundRules ?? []).length + (given.outboundRules ?? []).length === 0) {
        throw new Error("At least one rule must be specified");
    }
    if (!/^[a-zA-Z0-9][a-zA-Z0-9.-]+$/.test(given.name)) {
        throw new ApiError(
            422,
            request,
            "name must contain only alphanumeric characters, dashes and periods",
        );
    }
    if (firewalls.all().some((other) => other.name === given.name && other.id !== self)) {
        throw new ApiError(409, request, "duplicate name");
    }
    const dropletIds = given.dropletIds ?? [];
    if (dropletIds.length > maxFirewallDroplets) {
        throw new ApiError(422, request, `must have no more than ${maxFirewallDroplets} droplets`);
    }
    if ((given.tags ?? []).length > maxFirewallTags) {
        throw new ApiError(422, request, `must have no more than ${maxFirewallTags} tags`);
    }
    checkDroplets(dropletIds, request);
    const inboundRecords = (given.inboundRules ?? []).map(inboundRecord);
    const outboundRecords = (given.outboundRules ?? []).map(outboundRecord);
    inboundRecords.forEach((rule) => checkRule(rule, request, "source"));
    outboundRecords.forEach((rule) => checkRule(rule, request, "destination"));
    return {
        name: given.name,
        dropletIds,
        tags: given.tags ?? [],
        inbound: inboundRecords,
        outbound: outboundRecords,
    };
}

function outputsOf(record: FirewallRecord) {
    return { status: "succeeded", createdAt: record.createdAt, pendingChanges: [] };
}

/** Takes a firewall away; its droplets are then open, unless others guard them. */
export async function removeFirewall(id: string): Promise<void> {
    await exclusively(async () => {
        firewalls.remove(id);
        await enforceFirewalls();
    });
}

export const firewall = resourceKind({
    type: "digitalocean:index/firewall:Firewall",
    inputs,
    sets: ["dropletIds", "tags", "inboundRules", "outboundRules"],

    create: (given, { urn }) =>
        changing("creating firewall", async () => {
            const admitted = admit(given, "POST /v2/firewalls");
            const record = { ...admitted, urn, id: randomUUID(), createdAt: new Date().toISOString() };
            firewalls.put(record.id, record);
            await enforceFirewalls();
            return { id: record.id, outputs: outputsOf(record) };
        }),

    read: async ({ id }) => {
        const record = firewalls.get(id);
        return record && outputsOf(record);
    },

    update: ({ id }, given) =>
        changing("updating firewall", async () => {
            const request = `PUT /v2/firewalls/${id}`;
            const record = firewalls.get(id);
            if (!record) {
                throw notFound(request);
            }
            const changed = { ...record, ...admit(given, request, id) };
            firewalls.put(id, changed);
            await enforceFirewalls();
            return outputsOf(changed);
        }),

    delete: ({ id }) => removeFirewall(id),
});
