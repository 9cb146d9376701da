import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";

import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { opensshKey } from "./openssh";

const curves = { P256: "prime256v1", P384: "secp384r1" } as const;

const inputs = z.strictObject({
    algorithm: z.enum(["ECDSA", "ED25519"]),
    // The provider's default is P224, which neither OpenSSH nor certificates here can use.
    ecdsaCurve: z.enum(["P256", "P384"]).optional(),
});

/** A new key and its PEM in the form that the real provider gives it. */
function generate({ algorithm, ecdsaCurve }: z.output<typeof inputs>): { key: KeyObject; pem: string } {
    if (algorithm === "ED25519") {
        const { privateKey: key } = generateKeyPairSync("ed25519");
        return { key, pem: key.export({ type: "pkcs8", format: "pem" }).toString() };
    }
    if (ecdsaCurve === undefined) {
        throw new Error("give an ecdsaCurve, P256 or P384: the lab has no keys of P224, the default");
    }
    const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: curves[ecdsaCurve] });
    return { key, pem: key.export({ type: "sec1", format: "pem" }).toString() };
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
