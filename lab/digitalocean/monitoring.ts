import { randomUUID } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { ApiError, doing } from "./api";
import { droplets, others } from "./cloud";
import { oneOf, tags, text } from "./inputs";

/* Alert policies and uptime checks have no local meaning: the lab checks and records them. */

const slack = z.strictObject({ channel: text, url: text });
const notification = z.strictObject({ emails: z.array(text).optional(), slacks: z.array(slack).optional() });

export const monitorAlert = resourceKind({
    type: "digitalocean:index/monitorAlert:MonitorAlert",
    inputs: z.strictObject({
        type: oneOf([
            "v1/insights/droplet/cpu",
            "v1/insights/droplet/memory_utilization_percent",
            "v1/insights/droplet/disk_utilization_percent",
            "v1/insights/droplet/public_outbound_bandwidth",
            "v1/insights/droplet/public_inbound_bandwidth",
            "v1/insights/droplet/private_outbound_bandwidth",
            "v1/insights/droplet/private_inbound_bandwidth",
            "v1/insights/droplet/disk_read",
            "v1/insights/droplet/disk_write",
            "v1/insights/droplet/load_1",
            "v1/insights/droplet/load_5",
            "v1/insights/droplet/load_15",
        ]),
        compare: oneOf(["GreaterThan", "LessThan"]),
        description: text,
        enabled: z.boolean().default(true),
        value: z.number().min(0, "expected value to be at least (0)"),
        window: oneOf(["5m", "10m", "30m", "1h"]),
        tags: tags.optional(),
        entities: z.array(text).min(1).optional(),
        alerts: notification,
    }),
    sets: ["tags", "entities"],

    create: (given, { urn }) =>
        doing("creating Alert Policy", async () => {
            checkEntities(given.entities, "POST /v2/monitoring/alerts");
            const id = randomUUID();
            others.put(id, { urn, id, kind: "monitor-alert", name: given.description });
            return { id, outputs: { uuid: id } };
        }),

    read: async ({ id, outputs }) => (others.get(id) ? outputs : undefined),

    update: ({ id }, given, { urn }) =>
        doing("updating Alert Policy", async () => {
            checkEntities(given.entities, `PUT /v2/monitoring/alerts/${id}`);
            others.put(id, { urn, id, kind: "monitor-alert", name: given.description });
            return {};
        }),

    delete: async ({ id }) => others.remove(id),
});

function checkEntities(entities: readonly string[] | undefined, request: string): void {
    const missing = entities?.find((id) => !droplets.get(id));
    if (missing !== undefined) {
        throw new ApiError(422, request, `entity ${missing} not found`);
    }
}

export const uptimeCheck = resourceKind({
    type: "digitalocean:index/uptimeCheck:UptimeCheck",
    inputs: z.strictObject({
        name: text,
        target: text,
        type: oneOf(["ping", "http", "https"]).default("https"),
        regions: z.array(oneOf(["us_east", "us_west", "eu_west", "se_asia"])).optional(),
        enabled: z.boolean().default(true),
    }),
    sets: ["regions"],

    create: (given, { urn }) =>
        doing("creating Check", async () => {
            checkTarget(given, "POST /v2/uptime/checks");
            const id = randomUUID();
            others.put(id, { urn, id, kind: "uptime-check", name: given.name });
            return { id, outputs: {} };
        }),

    read: async ({ id, outputs }) => (others.get(id) ? outputs : undefined),

    update: ({ id }, given, { urn }) =>
        doing("updating uptime check", async () => {
            checkTarget(given, `PUT /v2/uptime/checks/${id}`);
            others.put(id, { urn, id, kind: "uptime-check", name: given.name });
            return {};
        }),

    delete: async ({ id }) => others.remove(id),
});

function checkTarget(given: { type: string; target: string }, request: string): void {
    const url = given.type === "ping" || given.target.startsWith(`${given.type}://`);
    if (!url) {
        throw new ApiError(422, request, `target must be a valid ${given.type} URL`);
    }
}

export const uptimeAlert = resourceKind({
    type: "digitalocean:index/uptimeAlert:UptimeAlert",
    inputs: z.strictObject({
        name: text,
        checkId: text,
        type: oneOf(["latency", "down", "down_global", "ssl_expiry"]),
        threshold: z.int().optional(),
        comparison: oneOf(["greater_than", "less_than"]).optional(),
        period: oneOf(["2m", "3m", "5m", "10m", "15m", "30m", "1h"]).optional(),
        notifications: z.array(notification).min(1),
    }),

    create: (given, { urn }) =>
        doing("creating Uptime Alert", async () => {
            if (!others.get(given.checkId)) {
                const request = `POST /v2/uptime/checks/${given.checkId}/alerts`;
                throw new ApiError(404, request, "The resource you requested could not be found.");
            }
            const id = randomUUID();
            others.put(id, { urn, id, kind: "uptime-alert", name: given.name });
            return { id, outputs: {} };
        }),

    read: async ({ id, outputs }) => (others.get(id) ? outputs : undefined),

    update: async ({ id }, given, { urn }) => {
        others.put(id, { urn, id, kind: "uptime-alert", name: given.name });
        return {};
    },

    delete: async ({ id }) => others.remove(id),
});
