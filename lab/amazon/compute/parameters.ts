import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

import { z } from "zod";

import { writeAtomically } from "../../workstation/files";
import { labPath } from "../../paths";
import { Records } from "../../cloud/records";
import { origin } from "./cloud";

/* Parameters of the lab's Systems Manager. Values of secure ones are encrypted on disk, as Amazon's KMS has it. */

const parameterRecord = z.object({
    ...origin,
    name: z.string(),
    arn: z.string(),
    type: z.enum(["String", "SecureString"]),
    /** Encrypted when secure: nonce, tag and text in base64, with `.` between. */
    value: z.string(),
    version: z.int(),
    modifiedAt: z.number(),
});
export type ParameterRecord = z.infer<typeof parameterRecord>;

/** By `<region> <name>`. */
export const parameters = new Records("aws-parameter", parameterRecord);

export function parameterKey(region: string, name: string): string {
    return `${region} ${name}`;
}

/** How long a value of the standard tier may be. */
export const maxParameterBytes = 4096;

/** The key that stands for the account's `aws/ssm`; made once. */
function key(): Buffer {
    const file = labPath("aws", "ssm.key");
    if (!existsSync(file)) {
        writeAtomically(file, randomBytes(32).toString("base64"));
    }
    return Buffer.from(readFileSync(file, "utf8"), "base64");
}

export function encrypted(value: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key(), nonce);
    const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
    return [nonce, cipher.getAuthTag(), text].map((part) => part.toString("base64")).join(".");
}

export function plainValue(record: ParameterRecord): string {
    if (record.type === "String") {
        return record.value;
    }
    const [nonce, tag, text] = record.value.split(".").map((part) => Buffer.from(part, "base64"));
    const decipher = createDecipheriv("aes-256-gcm", key(), nonce ?? Buffer.alloc(0));
    decipher.setAuthTag(tag ?? Buffer.alloc(0));
    return Buffer.concat([decipher.update(text ?? Buffer.alloc(0)), decipher.final()]).toString("utf8");
}
