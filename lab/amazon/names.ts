import { createHash, randomBytes, randomInt } from "node:crypto";

/* Ids and names as Amazon and its provider make them. */

/** An id such as `vpc-0a1b2c3d4e5f67890`. */
export function newId(kind: string): string {
    return `${kind}-0${randomBytes(8).toString("hex")}`;
}

/** A name from a prefix, with an end that sorts by time, as the real provider makes it. */
export function nameFrom(prefix = "terraform-"): string {
    const time = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
    return `${prefix}${time}${randomBytes(6).toString("hex")}`;
}

/** `AIDA…`, `AROA…`, `AIPA…`: what IAM has made, other than a later one of the same name. */
export function uniqueId(prefix: string, { arn, createdAt }: { arn: string; createdAt: string }): string {
    const hash = createHash("sha256").update(`${arn} ${createdAt}`).digest("hex");
    return `${prefix}${hash.toUpperCase().slice(0, 17)}`;
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** An access key's id: `AKIA` for lasting keys and `ASIA` for others, and 16 characters, of given bytes or by chance. */
export function accessKeyId(prefix: "AKIA" | "ASIA", bytes?: Buffer): string {
    const numbers = bytes ?? Array.from({ length: 16 }, () => randomInt(32));
    return prefix + [...numbers.slice(0, 16)].map((number) => base32[number % 32]).join("");
}

export function ec2Arn(kind: string, region: string, account: string, id: string): string {
    return `arn:aws:ec2:${region}:${account}:${kind}/${id}`;
}

export function bucketArn(name: string): string {
    return `arn:aws:s3:::${name}`;
}

/** The account in an ARN. */
export function accountOf(arn: string): string {
    return arn.split(":")[4] ?? "";
}
