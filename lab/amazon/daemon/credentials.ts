import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

import { z } from "zod";

import { readJson, writeAtomically, writeJson } from "../../workstation/files";
import { labPath } from "../../paths";

/*
 * Keys that the lab's Amazon knows: the operator's, which may do all, and those of instances, which last for hours and
 * are told by their session token alone, so that nothing needs to be kept of them.
 */

const keyPair = z.object({ id: z.string(), secret: z.string() });
export type KeyPair = z.infer<typeof keyPair>;

/** The operator's keys; made once. */
export function operatorKeys(): KeyPair {
    const file = labPath("aws", "operator.json");
    const known = keyPair.safeParse(readJson(file));
    if (known.success) {
        return known.data;
    }
    const made = { id: `AKIA${base32(randomBytes(16))}`, secret: randomBytes(30).toString("base64") };
    writeJson(file, made);
    return made;
}

/** Secret of this lab's tokens; made once. */
function tokenKey(): Buffer {
    const file = labPath("aws", "token.key");
    if (!existsSync(file)) {
        writeAtomically(file, randomBytes(32).toString("base64"));
    }
    return Buffer.from(readFileSync(file, "utf8"), "base64");
}

function mac(purpose: string, text: string): Buffer {
    return createHmac("sha256", tokenKey()).update(`${purpose}\n${text}`).digest();
}

/** A text that only this lab can have written, with what it says in it. */
export function seal(purpose: string, claim: object): string {
    const body = Buffer.from(JSON.stringify(claim)).toString("base64url");
    return Buffer.from(`${body}.${mac(purpose, body).toString("base64url")}`).toString("base64");
}

/** What a sealed text says; undefined when it is none. */
export function unseal(purpose: string, text: string): unknown {
    const [body = "", signature = ""] = Buffer.from(text, "base64").toString("utf8").split(".");
    const given = Buffer.from(signature, "base64url");
    const wanted = mac(purpose, body);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
        return undefined;
    }
    return JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as unknown;
}

const session = z.object({ instance: z.string(), role: z.string(), expires: z.number() });
export type Session = z.infer<typeof session>;

export interface SessionKeys extends KeyPair {
    token: string;
}

/** Keys of an instance's role. Asked again with the same claim, they are the same. */
export function sessionKeys(claim: Session): SessionKeys {
    return keysOf(seal("session", claim));
}

function keysOf(token: string): SessionKeys {
    return {
        token,
        id: `ASIA${base32(mac("id", token))}`,
        secret: mac("secret", token).toString("base64").slice(0, 40),
    };
}

/** The session that a token stands for, with its secret; undefined when the id is another's or the token is none. */
export function findSession(accessKeyId: string, token: string): (Session & KeyPair) | undefined {
    const claim = session.safeParse(unseal("session", token));
    const keys = keysOf(token);
    return claim.success && keys.id === accessKeyId
        ? { ...claim.data, id: keys.id, secret: keys.secret }
        : undefined;
}

/** 16 characters as those of access keys. */
function base32(bytes: Buffer): string {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    return [...bytes.subarray(0, 16)].map((byte) => alphabet[byte % 32]).join("");
}
