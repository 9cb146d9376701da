import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

import { readJson, writeAtomically, writeJson } from "./workstation/files";
import { withLock } from "./workstation/lock";
import { labPath } from "./paths";
import {
    requestCertificate,
    selfSign,
    signRequest,
    type Names,
    type Terms,
} from "./cloudless/tls/certificate";

/*
 * The authority that signs the certificates of servers in the outside world, such as Amazon's APIs. Machines have its root
 * in their system store, as real machines have the public roots. The station's own certificates come from elsewhere: its
 * public one from `acme`.
 */

const serverTerms: Terms = {
    allowedUses: ["digital_signature", "server_auth"],
    validityPeriodHours: 10 * 365 * 24,
    isCaCertificate: false,
    setSubjectKeyId: true,
};

const rootTerms = {
    ...serverTerms,
    allowedUses: ["cert_signing", "crl_signing"],
    isCaCertificate: true,
    setAuthorityKeyId: true,
};

/** The root's file, for programs that take trusted roots from a file. */
export const apiRootFile = file("root.pem");

/** File with the issuing roots of the public certificate authority so far, which `acme` writes. */
export const issuingRootsFile = labPath("acme", "root.pem");

/** What a new machine trusts: the root of the servers outside, and the public authority's, as they are now. */
export function trustedRoots(): string | undefined {
    const roots = [apiRootFile, issuingRootsFile].filter((path) => existsSync(path));
    return roots.length > 0 ? roots.map((path) => readFileSync(path, "utf8")).join("") : undefined;
}

export interface ServerCertificate {
    /** Files in PEM: the certificate with the root behind it, and the key. */
    certificate: string;
    key: string;
}

/**
 * A certificate for a server outside. Made once, and again when the names change. The first one also makes the root.
 *
 * @param server the files are named after it.
 */
export async function serverCertificate(server: string, names: Names): Promise<ServerCertificate> {
    const files = { certificate: file(`${server}.pem`), key: file(`${server}.key`) };
    const namesFile = file(`${server}.json`);
    await withLock(labPath("locks", "authority"), async () => {
        if (!existsSync(apiRootFile)) {
            await makeRoot();
        }
        if (JSON.stringify(readJson(namesFile)) === JSON.stringify(names)) {
            return;
        }
        const key = newKey();
        const commonName = names.dnsNames?.[0] ?? server;
        const request = await requestCertificate(key, { commonName }, names);
        const root = readFileSync(apiRootFile, "utf8");
        const made = await signRequest(request, root, readFileSync(file("root.key"), "utf8"), serverTerms);
        writeAtomically(files.key, key);
        writeAtomically(files.certificate, made.certPem + root, 0o644);
        // Last: its presence means that all files are complete.
        writeJson(namesFile, names);
    });
    return files;
}

async function makeRoot(): Promise<void> {
    const key = newKey();
    const root = await selfSign(key, { commonName: "Aerial lab: root of the outside world" }, {}, rootTerms);
    writeAtomically(file("root.key"), key);
    writeAtomically(apiRootFile, root.certPem, 0o644);
}

function file(name: string): string {
    return labPath("authority", name);
}

function newKey(): string {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
