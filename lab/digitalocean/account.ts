import { createHash } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../cloud/kind";
import { exclusively, nextNumber } from "../cloud/records";
import { ApiError, changing } from "./api";
import { tagName, text } from "./inputs";
import { droplets, sshKeys, tags } from "./records";

/* What belongs to the account rather than to a region: keys and tags. */

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
        changing("creating SSH Key", async () => {
            const publicKey = given.publicKey.trim();
            const fingerprint = fingerprintOf(publicKey);
            if (sshKeys.all().some((key) => key.fingerprint === fingerprint)) {
                throw new ApiError(422, createKey, "SSH Key is already in use on your account");
            }
            const id = nextNumber("ssh-key", 50_000_001);
            sshKeys.put(String(id), { urn, id, name: given.name, publicKey, fingerprint });
            return { id: String(id), outputs: { fingerprint } };
        }),

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
        tags.put(name, { urn, name });
        const tagged = droplets.all().filter((droplet) => droplet.tags.includes(name)).length;
        const none = { databasesCount: 0, imagesCount: 0, volumeSnapshotsCount: 0, volumesCount: 0 };
        return { id: name, outputs: { ...none, dropletsCount: tagged, totalResourceCount: tagged } };
    },

    read: async ({ id, outputs }) => (tags.get(id) ? outputs : undefined),

    delete: async ({ id }) => tags.remove(id),
});
