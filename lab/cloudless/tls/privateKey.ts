import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { opensshKey } from "./openssh";

const curves = { P224: "secp224r1", P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" } as const;

const inputs = z.strictObject({
    algorithm: z.enum(["RSA", "ECDSA", "ED25519"]),
    ecdsaCurve: z.enum(["P224", "P256", "P384", "P521"]).default("P224"),
    rsaBits: z.int().min(1024).default(2048),
});

/** A new key and its PEM in the form that the real provider gives it. */
function generate(given: z.output<typeof inputs>): { key: KeyObject; pem: string } {
    switch (given.algorithm) {
        case "RSA": {
            const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: given.rsaBits });
            return { key, pem: key.export({ type: "pkcs1", format: "pem" }).toString() };
        }
        case "ECDSA": {
            const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: curves[given.ecdsaCurve] });
            return { key, pem: key.export({ type: "sec1", format: "pem" }).toString() };
        }
        case "ED25519": {
            const { privateKey: key } = generateKeyPairSync("ed25519");
            return { key, pem: key.export({ type: "pkcs8", format: "pem" }).toString() };
        }
    }
}

export const privateKey = resourceKind({
    type: "tls:index/privateKey:PrivateKey",
    inputs,
    secretOutputs: ["privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"],

    create: async (given) => {
        const { key, pem } = generate(given);
        const publicKey = createPublicKey(key);
        const ssh = opensshKey(key);
        const md5 = ssh && createHash("md5").update(ssh.publicBlob).digest("hex").match(/../g)?.join(":");
        const sha256 = ssh && createHash("sha256").update(ssh.publicBlob).digest("base64").replace(/=+$/, "");
        const der = publicKey.export({ type: "spki", format: "der" });
        return {
            id: createHash("sha1").update(der).digest("hex"),
            outputs: {
                privateKeyPem: pem,
                privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }).toString(),
                privateKeyOpenssh: ssh?.privateFile ?? "",
                publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
                publicKeyOpenssh: ssh ? `${ssh.publicLine}\n` : "",
                publicKeyFingerprintMd5: md5 ?? "",
                publicKeyFingerprintSha256: sha256 === undefined ? "" : `SHA256:${sha256}`,
            },
        };
    },
});
