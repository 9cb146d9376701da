// The library below builds on it, and must find it loaded.
import "reflect-metadata";

import { createPrivateKey, createPublicKey, randomBytes, webcrypto, type KeyObject } from "node:crypto";

import * as x509 from "@peculiar/x509";

/* X.509 by @peculiar/x509, with keys of node:crypto. */

/** A name as the tls provider takes it. */
export interface Subject {
    commonName?: string;
    organization?: string;
}

export interface Names {
    dnsNames?: string[];
    ipAddresses?: string[];
}

const signings = {
    ed25519: { name: "Ed25519" },
    prime256v1: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    secp384r1: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
} as const;

type Signing = (typeof signings)[keyof typeof signings];

function signingOf(key: KeyObject): Signing {
    const curve = key.asymmetricKeyDetails?.namedCurve;
    const kind = key.asymmetricKeyType === "ec" ? curve : key.asymmetricKeyType;
    const found = Object.entries(signings).find(([name]) => name === kind);
    if (!found) {
        throw new Error(
            `keys of type ${kind ?? "unknown"} cannot sign certificates here; use ED25519, P256 or P384`,
        );
    }
    return found[1];
}

/** `ECDSA` or `ED25519`. */
export function algorithmOf(keyPem: string): string {
    return signingOf(createPrivateKey(keyPem)).name.toUpperCase();
}

async function cryptoKeys(pem: string): Promise<{ keys: webcrypto.CryptoKeyPair; signing: Signing }> {
    const key = createPrivateKey(pem);
    const signing = signingOf(key);
    const { subtle } = webcrypto;
    const pkcs8 = key.export({ type: "pkcs8", format: "der" });
    const spki = createPublicKey(key).export({ type: "spki", format: "der" });
    const keys = {
        privateKey: await subtle.importKey("pkcs8", pkcs8, signing, true, ["sign"]),
        publicKey: await subtle.importKey("spki", spki, signing, true, ["verify"]),
    };
    return { keys, signing };
}

function nameOf({ commonName, organization }: Subject): x509.JsonName {
    return [
        ...(organization === undefined ? [] : [{ O: [organization] }]),
        ...(commonName === undefined ? [] : [{ CN: [commonName] }]),
    ];
}

function alternativeNames(names: Names): x509.Extension[] {
    const list: x509.JsonGeneralNames = [
        ...(names.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
        ...(names.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
    ];
    return list.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(list)];
}

const keyUsages: Readonly<Record<string, x509.KeyUsageFlags>> = {
    digital_signature: x509.KeyUsageFlags.digitalSignature,
    key_encipherment: x509.KeyUsageFlags.keyEncipherment,
    cert_signing: x509.KeyUsageFlags.keyCertSign,
    crl_signing: x509.KeyUsageFlags.cRLSign,
};

const extendedUsages: Readonly<Record<string, string>> = {
    server_auth: x509.ExtendedKeyUsage.serverAuth,
    client_auth: x509.ExtendedKeyUsage.clientAuth,
};

/** All values of `allowedUses`. */
export const allowedUses: readonly string[] = [...Object.keys(keyUsages), ...Object.keys(extendedUsages)];

function usages(uses: readonly string[]): x509.Extension[] {
    const flags = uses.reduce((sum, use) => sum | (keyUsages[use] ?? 0), 0);
    const extended = uses.flatMap((use) => extendedUsages[use] ?? []);
    return [
        ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
        ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
    ];
}

export interface Terms {
    allowedUses: string[];
    validityPeriodHours: number;
    isCaCertificate: boolean;
    maxPathLength?: number;
    setSubjectKeyId: boolean;
}

export interface Certificate {
    certPem: string;
    serial: string;
    validityStartTime: string;
    validityEndTime: string;
}

async function extensionsOf(terms: Terms, publicKey: webcrypto.CryptoKey): Promise<x509.Extension[]> {
    const ca = terms.isCaCertificate;
    return [
        ...usages(terms.allowedUses),
        new x509.BasicConstraintsExtension(ca, ca ? terms.maxPathLength : undefined, true),
        // A CA always carries its key's id: what it signs points to it.
        ...(ca || terms.setSubjectKeyId ? [await x509.SubjectKeyIdentifierExtension.create(publicKey)] : []),
    ];
}

interface Span {
    serialNumber: string;
    notBefore: Date;
    notAfter: Date;
}

function spanOf(terms: Terms): Span {
    const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
    const serial = randomBytes(16);
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    return {
        serialNumber: serial.toString("hex"),
        notBefore,
        notAfter: new Date(notBefore.getTime() + terms.validityPeriodHours * 3_600_000),
    };
}

function certificateOf(cert: x509.X509Certificate, span: Span): Certificate {
    return {
        certPem: `${cert.toString("pem").trim()}\n`,
        serial: BigInt(`0x${span.serialNumber}`).toString(),
        validityStartTime: span.notBefore.toISOString().replace(".000Z", "Z"),
        validityEndTime: span.notAfter.toISOString().replace(".000Z", "Z"),
    };
}

/** A certificate that its own key signs. */
export async function selfSign(
    keyPem: string,
    subject: Subject,
    names: Names,
    terms: Terms & { setAuthorityKeyId: boolean },
): Promise<Certificate> {
    const { keys, signing } = await cryptoKeys(keyPem);
    const span = spanOf(terms);
    const authority = terms.setAuthorityKeyId
        ? [await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)]
        : [];
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
        ...span,
        name: nameOf(subject),
        keys,
        signingAlgorithm: signing,
        extensions: [
            ...(await extensionsOf(terms, keys.publicKey)),
            ...authority,
            ...alternativeNames(names),
        ],
    });
    return certificateOf(cert, span);
}

/** A request for a certificate, as PEM. */
export async function requestCertificate(keyPem: string, subject: Subject, names: Names): Promise<string> {
    const { keys, signing } = await cryptoKeys(keyPem);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
        name: nameOf(subject),
        keys,
        signingAlgorithm: signing,
        extensions: alternativeNames(names),
    });
    return `${request.toString("pem").trim()}\n`;
}

/** A certificate that an authority signs for a request. @throws when the request's own signature is wrong. */
export async function signRequest(
    requestPem: string,
    caCertPem: string,
    caKeyPem: string,
    terms: Terms,
): Promise<Certificate> {
    const request = new x509.Pkcs10CertificateRequest(requestPem);
    if (!(await request.verify())) {
        throw new Error("the certificate request's signature is wrong");
    }
    const ca = new x509.X509Certificate(caCertPem);
    const { keys, signing } = await cryptoKeys(caKeyPem);
    const span = spanOf(terms);
    const publicKey = await request.publicKey.export();
    const names = request.extensions.filter((extension) => extension.type === "2.5.29.17");
    const cert = await x509.X509CertificateGenerator.create({
        ...span,
        subject: request.subjectName.toJSON(),
        issuer: ca.subjectName.toJSON(),
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: signing,
        extensions: [
            ...(await extensionsOf(terms, publicKey)),
            await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
            ...names,
        ],
    });
    return certificateOf(cert, span);
}
