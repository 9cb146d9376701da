import { createPublicKey, randomBytes, type KeyObject } from "node:crypto";

/*
 * Keys in OpenSSH's formats, which node:crypto does not write. The generator of ssh2 (1.17) does, but OpenSSH cannot read
 * one in 200 of its Ed25519 keys.
 */

function sized(value: Buffer | string): Buffer {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
}

/** A positive integer as OpenSSH has it: no leading zeros, but one where the sign bit would be set. */
function integer(base64url: string | undefined): Buffer {
    let bytes = Buffer.from(base64url ?? "", "base64url");
    while (bytes.length > 0 && bytes[0] === 0) {
        bytes = bytes.subarray(1);
    }
    return sized((bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

const curves: Readonly<Record<string, string>> = {
    "P-256": "nistp256",
    "P-384": "nistp384",
};

interface Parts {
    type: string;
    publicBlob: Buffer;
    privateFields: Buffer;
}

function partsOf(key: KeyObject): Parts | undefined {
    const jwk = (key.type === "private" ? key : createPublicKey(key)).export({ format: "jwk" });
    if (jwk.kty === "OKP" && jwk.crv === "Ed25519") {
        const type = "ssh-ed25519";
        const point = Buffer.from(jwk.x ?? "", "base64url");
        const seed = Buffer.from(jwk.d ?? "", "base64url");
        return {
            type,
            publicBlob: Buffer.concat([sized(type), sized(point)]),
            privateFields: Buffer.concat([sized(point), sized(Buffer.concat([seed, point]))]),
        };
    }
    const curve = curves[jwk.crv ?? ""];
    if (jwk.kty === "EC" && curve !== undefined) {
        const type = `ecdsa-sha2-${curve}`;
        const point = Buffer.concat([
            Buffer.from([4]),
            Buffer.from(jwk.x ?? "", "base64url"),
            Buffer.from(jwk.y ?? "", "base64url"),
        ]);
        return {
            type,
            publicBlob: Buffer.concat([sized(type), sized(curve), sized(point)]),
            privateFields: Buffer.concat([sized(curve), sized(point), integer(jwk.d)]),
        };
    }
    return undefined;
}

export interface OpensshKey {
    /** `ssh-ed25519 AAAA…`, without a comment. */
    publicLine: string;
    /** The public key's bytes, which fingerprints are made of. */
    publicBlob: Buffer;
    /** The private key as a file. */
    privateFile: string;
}

/** A private key as OpenSSH writes it; undefined for curves that OpenSSH does not have. */
export function opensshKey(key: KeyObject): OpensshKey | undefined {
    const parts = partsOf(key);
    if (!parts) {
        return undefined;
    }
    const { type, publicBlob, privateFields } = parts;
    const check = randomBytes(4);
    const secret = Buffer.concat([check, check, sized(type), privateFields, sized("")]);
    const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
    const count = Buffer.from([0, 0, 0, 1]);
    const body = Buffer.concat([
        Buffer.from("openssh-key-v1\0"),
        ...[sized("none"), sized("none"), sized(""), count, sized(publicBlob)],
        sized(Buffer.concat([secret, padding])),
    ]);
    const lines = body.toString("base64").match(/.{1,70}/g) ?? [];
    const marks = (what: string): string => `-----${what} OPENSSH PRIVATE KEY-----`;
    return {
        publicLine: `${type} ${publicBlob.toString("base64")}`,
        publicBlob,
        privateFile: [marks("BEGIN"), ...lines, marks("END"), ""].join("\n"),
    };
}
