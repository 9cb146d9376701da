import { isIPv4, isIPv6 } from "node:net";

import { z } from "zod";

import { ApiError, dnsInvalid } from "./api";
import { labZones, zoneFacts } from "./facts";
import { identifier, isHostname, oneOf } from "./inputs";
import { objectKind, type Change } from "./kind";
import type { DnsData, NameRecord } from "./records";

const inputs = z.strictObject({
    zoneId: identifier,
    name: z.string(),
    type: oneOf("type", [
        "A",
        "AAAA",
        "CAA",
        "CERT",
        "CNAME",
        "DNSKEY",
        "DS",
        "HTTPS",
        "LOC",
        "MX",
        "NAPTR",
        "NS",
        "OPENPGPKEY",
        "PTR",
        "SMIMEA",
        "SRV",
        "SSHFP",
        "SVCB",
        "TLSA",
        "TXT",
        "URI",
    ]),
    ttl: z.number(),
    content: z.string().optional(),
    proxied: z.boolean().default(false),
    comment: z.string().optional(),
    tags: z.array(z.string()).optional(),
});
type Inputs = z.output<typeof inputs>;

/** Types of records that exclude each other at one name. */
const addressTypes = ["A", "AAAA", "CNAME"];

/** A record's name in full: `@` is the zone itself, and what is not in the zone is meant to be below it. */
function fullName(name: string, zone: string | undefined): string {
    if (zone === undefined || name === zone || name.endsWith(`.${zone}`)) {
        return name;
    }
    return name === "@" ? zone : `${name}.${zone}`;
}

function check({ record, request, present }: Change<Inputs, NameRecord>): void {
    const { account } = zoneFacts(record.zoneId, request);
    if (!isHostname(record.name)) {
        throw dnsInvalid(request, 9000, "DNS name is invalid.");
    }
    if (record.ttlSeconds !== 1 && !(record.ttlSeconds >= account.minimumTtl && record.ttlSeconds <= 86400)) {
        throw dnsInvalid(
            request,
            9021,
            `TTL must be between ${account.minimumTtl} and 86400 seconds, or 1 for Automatic.`,
        );
    }
    checkContent(record, request);
    checkNeighbours(record, request, present);
}

function checkContent({ type, content }: NameRecord, request: string): void {
    if (type === "A" && !isIPv4(content)) {
        throw dnsInvalid(request, 9005, "Content for A record must be a valid IPv4 address.");
    }
    if (type === "AAAA" && !isIPv6(content)) {
        throw dnsInvalid(request, 9006, "Content for AAAA record must be a valid IPv6 address.");
    }
    if (type === "CNAME" && !isHostname(content)) {
        throw dnsInvalid(request, 9007, "Content for CNAME record is invalid.");
    }
    if (content === "") {
        throw dnsInvalid(request, 9101, "content is a required field.");
    }
}

function checkNeighbours(record: NameRecord, request: string, present: DnsData): void {
    const same = present.names.filter(
        ({ id, zoneId, name }) =>
            id !== record.id && zoneId === record.zoneId && name.toLowerCase() === record.name.toLowerCase(),
    );
    if (same.some(({ type, content }) => type === record.type && content === record.content)) {
        throw new ApiError(400, request, { code: 81058, message: "An identical record already exists." });
    }
    if (!addressTypes.includes(record.type)) {
        return;
    }
    if (record.type === "CNAME" && same.some(({ type }) => addressTypes.includes(type))) {
        throw new ApiError(400, request, {
            code: 81053,
            message: "An A, AAAA, or CNAME record with that host already exists.",
        });
    }
    if (same.some(({ type }) => type === "CNAME")) {
        throw new ApiError(400, request, {
            code: 81054,
            message: "A CNAME record with that host already exists.",
        });
    }
}

export const dnsRecord = objectKind({
    type: "cloudflare:index/dnsRecord:DnsRecord",
    inputs,
    sets: ["tags"],
    list: "names",
    check,

    recordOf: ({ zoneId, type, proxied, ...given }, { id, urn, createdOn }) => ({
        ...{ id, urn, createdOn, zoneId, type, proxied },
        name: fullName(given.name, labZones[zoneId]),
        content: given.content ?? "",
        ttlSeconds: given.ttl,
    }),

    outputs: ({ name, type }) => ({ name, proxiable: addressTypes.includes(type) }),
});
