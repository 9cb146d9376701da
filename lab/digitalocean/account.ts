import { createHash, randomUUID } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { exclusively } from "../cloud/records";
import { ApiError, doing } from "./api";
import { droplets, nextKeyId, others, reservedIps, sshKeys, volumes, vpcs, type SshKeyRecord } from "./cloud";
import { tagName, text } from "./inputs";

/* What belongs to the account rather than to a region: keys, tags, projects. */

const createKey = "POST /v2/account/keys";

function fingerprintOf(publicKey: string): string {
    const [type = "", body = ""] = publicKey.trim().split(/\s+/);
    const bytes = Buffer.from(body, "base64");
    const nameLength = bytes.length > 4 ? bytes.readUInt32BE(0) : 0;
    const known = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+)$/.test(type);
    if (!known || bytes.subarray(4, 4 + nameLength).toString("latin1") !== type) {
        throw new ApiError(422, createKey, "Key is invalid");
    }
    const digest = createHash("md5").update(bytes).digest("hex");
    return (digest.match(/../g) ?? []).join(":");
}

export const sshKey = resourceKind({
    type: "digitalocean:index/sshKey:SshKey",
    inputs: z.strictObject({ name: text, publicKey: text }),

    create: (given, { urn }) =>
        doing("creating SSH Key", () =>
            exclusively(async () => {
                const publicKey = given.publicKey.trim();
                const fingerprint = fingerprintOf(publicKey);
                if (sshKeys.all().some((key) => key.fingerprint === fingerprint)) {
                    throw new ApiError(422, createKey, "SSH Key is already in use on your account");
                }
                const record: SshKeyRecord = {
                    urn,
                    id: nextKeyId(),
                    name: given.name,
                    publicKey,
                    fingerprint,
                };
                sshKeys.put(String(record.id), record);
                return { id: String(record.id), outputs: { fingerprint } };
            }),
        ),

    read: async ({ id, outputs }) => (sshKeys.get(id) ? outputs : undefined),

    update: ({ id }, given) =>
        exclusively(async () => {
            const record = sshKeys.get(id);
            if (!record) {
                const error = new ApiError(404, `PUT /v2/account/keys/${id}`, "The resource was not found.");
                throw new Error(`Failed to update SSH key: ${error.message}`);
            }
            sshKeys.put(id, { ...record, name: given.name });
            return {};
        }),

    delete: async ({ id }) => sshKeys.remove(id),
});

export const tag = resourceKind({
    type: "digitalocean:index/tag:Tag",
    inputs: z.strictObject({ name: tagName }),

    create: async ({ name }, { urn }) => {
        others.put(`tag:${name}`, { urn, id: `tag:${name}`, kind: "tag", name });
        const tagged = droplets.all().filter((droplet) => droplet.tags.includes(name)).length;
        const none = { databasesCount: 0, imagesCount: 0, volumeSnapshotsCount: 0, volumesCount: 0 };
        return { id: name, outputs: { ...none, dropletsCount: tagged, totalResourceCount: tagged } };
    },

    read: async ({ id, outputs }) => (others.get(`tag:${id}`) ? outputs : undefined),

    delete: async ({ id }) => others.remove(`tag:${id}`),
});

/** Refuses resources of a project that the account does not have. */
function checkUrns(urns: readonly string[], request: string): void {
    const exists = (urn: string): boolean => {
        const [, kind = "", ...rest] = urn.split(":");
        const id = rest.join(":");
        switch (kind) {
            case "droplet":
                return droplets.get(id) !== undefined;
            case "vpc":
                return vpcs.get(id) !== undefined;
            case "reservedip":
            case "floatingip":
                return reservedIps.get(id) !== undefined;
            case "volume":
                return volumes.get(id) !== undefined;
            default:
                return ["domain", "space", "loadbalancer", "kubernetes", "dbaas"].includes(kind);
        }
    };
    const missing = urns.find((urn) => !urn.startsWith("do:") || !exists(urn));
    if (missing !== undefined) {
        throw new ApiError(404, request, `resource ${missing} not found`);
    }
}

const urns = z.array(text);

function projectNames(): string[] {
    return others.all().flatMap((record) => (record.kind === "project" ? [record.name] : []));
}

export const project = resourceKind({
    type: "digitalocean:index/project:Project",
    inputs: z.strictObject({
        name: text.max(175, "expected length of name to be in the range (1 - 175)"),
        description: z.string().max(255).default(""),
        purpose: z.string().max(255).default("Web Application"),
        environment: z
            .string()
            .refine((value) => ["development", "staging", "production"].includes(value.toLowerCase()), {
                error: "expected environment to be one of development, staging, production",
            })
            .optional(),
        isDefault: z.boolean().default(false),
        resources: urns.optional(),
    }),
    sets: ["resources"],

    create: (given, { urn }) =>
        doing("creating Project", () =>
            exclusively(async () => {
                const request = "POST /v2/projects";
                if (projectNames().includes(given.name)) {
                    throw new ApiError(409, request, "project name must be unique");
                }
                checkUrns(given.resources ?? [], request);
                const id = randomUUID();
                others.put(id, { urn, id, kind: "project", name: given.name });
                const now = new Date().toISOString();
                const owner = { ownerId: 1, ownerUuid: "00000000-0000-4000-8000-000000000001" };
                const resources = given.resources ?? [];
                return { id, outputs: { ...owner, createdAt: now, updatedAt: now, resources } };
            }),
        ),

    read: async ({ id, outputs }) => (others.get(id) ? outputs : undefined),

    update: ({ id }, given, { urn }) =>
        doing("Updating project", async () => {
            checkUrns(given.resources ?? [], `POST /v2/projects/${id}/resources`);
            others.put(id, { urn, id, kind: "project", name: given.name });
            return { updatedAt: new Date().toISOString() };
        }),

    delete: async ({ id }) => others.remove(id),
});

export const projectResources = resourceKind({
    type: "digitalocean:index/projectResources:ProjectResources",
    inputs: z.strictObject({ project: text, resources: urns }),
    sets: ["resources"],

    create: (given) =>
        doing(`assigning resources to project ${given.project}`, async () => {
            checkUrns(given.resources, `POST /v2/projects/${given.project}/resources`);
            if (!others.get(given.project)) {
                throw new ApiError(404, `GET /v2/projects/${given.project}`, "project not found");
            }
            return { id: given.project, outputs: {} };
        }),

    update: (_existing, given) =>
        doing(`assigning resources to project ${given.project}`, async () => {
            checkUrns(given.resources, `POST /v2/projects/${given.project}/resources`);
            return {};
        }),
});
