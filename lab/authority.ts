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
 * The authority by which servers of the outside world prove who they are: machines have its root in their system store,
 * as real ones have the public roots. It has nothing to do with the certificates that the station itself is issued.
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

/** Where the root is, for programs that are told by file whom to trust. */
export const apiRootFile = file("root.pem");

/** The root that signed the certificates of all servers outside; undefined while there is none. */
export function apiRoot(): string | undefined {
    return existsSync(apiRootFile) ? readFileSync(apiRootFile, "utf8") : undefined;
}

export interface ServerCertificate {
    /** Files in PEM: the certificate with the root behind it, and the key. */
    certificate: string;
    key: string;
}

/**
 * A certificate for a server outside. Made once, and anew when the names are others; the root with the first.
 *
 * @param server names the files.
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
        // Last: its presence says that all are there.
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
