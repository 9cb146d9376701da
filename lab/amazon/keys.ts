import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

import { z } from "zod";

import { labPath } from "../paths";
import { readJson, writeAtomically, writeJson } from "../workstation/files";
import { accessKeyId } from "./names";
import type { ParameterRecord } from "./records";

/*
 * Keys that the lab's Amazon knows: the operator's, who is the account's root and may do all, and those of instances,
 * which last for hours. Their session token alone says whose they are, so that nothing needs to be kept of them.
 */

const keyPair = z.object({ id: z.string(), secret: z.string() });
export type KeyPair = z.infer<typeof keyPair>;

export function newKeyPair(): KeyPair {
    return { id: accessKeyId("AKIA"), secret: randomBytes(30).toString("base64") };
}

/** The operator's keys; made once. */
export function operatorKeys(): KeyPair {
    const file = labPath("aws", "operator.json");
    if (!existsSync(file)) {
        writeJson(file, newKeyPair());
    }
    return keyPair.parse(readJson(file));
}

/** A secret of this lab, of 32 bytes; made once. */
function labKey(name: "ssm" | "token"): Buffer {
    const file = labPath("aws", `${name}.key`);
    if (!existsSync(file)) {
        writeAtomically(file, randomBytes(32).toString("base64"));
    }
    return Buffer.from(readFileSync(file, "utf8"), "base64");
}

function mac(purpose: string, text: string): Buffer {
    return createHmac("sha256", labKey("token")).update(`${purpose}\n${text}`).digest();
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

/** Keys of an instance's role, with their token. The same claim gets the same keys. */
export function sessionKeys(claim: Session): KeyPair & { token: string } {
    const token = seal("session", claim);
    return { token, ...keysOf(token) };
}

function keysOf(token: string): KeyPair {
    const secret = mac("secret", token).toString("base64").slice(0, 40);
    return { id: accessKeyId("ASIA", mac("id", token)), secret };
}

/** The session that a token stands for, with its secret; undefined when the id is another's or the token is none. */
export function findSession(id: string, token: string): (Session & KeyPair) | undefined {
    const claim = session.safeParse(unseal("session", token));
    const keys = keysOf(token);
    return claim.success && keys.id === id ? { ...claim.data, ...keys } : undefined;
}

/** A parameter's value as it is on disk, where Amazon's KMS encrypts it: nonce, tag and text in base64, `.` between. */
export function encrypted(value: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", labKey("ssm"), nonce);
    const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
    return [nonce, cipher.getAuthTag(), text].map((part) => part.toString("base64")).join(".");
}

export function plainValue({ type, value }: ParameterRecord): string {
    if (type === "String") {
        return value;
    }
    const [nonce, tag, text] = value.split(".").map((part) => Buffer.from(part, "base64"));
    const decipher = createDecipheriv("aes-256-gcm", labKey("ssm"), nonce ?? Buffer.alloc(0));
    decipher.setAuthTag(tag ?? Buffer.alloc(0));
    return Buffer.concat([decipher.update(text ?? Buffer.alloc(0)), decipher.final()]).toString("utf8");
}
