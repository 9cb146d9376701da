import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Context, Properties, ResourceKind } from "../../lab/cloud/kind";
import { tls } from "../../lab/cloudless/tls";

/* Keys and certificates of the lab's tls provider, judged by OpenSSL and OpenSSH. */

const folder = mkdtempSync(join(tmpdir(), "aerial-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const context: Context = { urn: "urn", name: "name", log: () => {} };

async function make(name: string, inputs: Properties): Promise<Record<string, string>> {
    const kind = tls.kinds.find(({ type }) => type.endsWith(`:${name}`)) as ResourceKind;
    const { outputs } = await kind.create(inputs, context);
    return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, String(value)]));
}

function file(name: string, content: string): string {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
}

const algorithms: [string, Properties][] = [
    ["ED25519", { algorithm: "ED25519" }],
    ["ECDSA P256", { algorithm: "ECDSA", ecdsaCurve: "P256" }],
    ["ECDSA P384", { algorithm: "ECDSA", ecdsaCurve: "P384" }],
];

describe.each(algorithms)("%s", (name, inputs) => {
    test("OpenSSH reads the private key, and finds the public key and fingerprint that are told", async () => {
        const key = await make("PrivateKey", inputs);
        const path = file(`${name}.key`, key.privateKeyOpenssh ?? "");
        const publicKey = execFileSync("ssh-keygen", ["-y", "-f", path], { encoding: "utf8" });
        expect(publicKey.trim()).toBe(key.publicKeyOpenssh?.trim());
        const told = execFileSync("ssh-keygen", ["-l", "-f", path], { encoding: "utf8" });
        expect(told).toContain(key.publicKeyFingerprintSha256);
        const md5 = execFileSync("ssh-keygen", ["-l", "-E", "md5", "-f", path], { encoding: "utf8" });
        expect(md5).toContain(`MD5:${key.publicKeyFingerprintMd5}`);
    });

    test("OpenSSL reads the private key in both PEM forms", async () => {
        const key = await make("PrivateKey", inputs);
        for (const pem of [key.privateKeyPem, key.privateKeyPemPkcs8]) {
            const path = file("pem.key", pem ?? "");
            const publicKey = execFileSync("openssl", ["pkey", "-in", path, "-pubout"], { encoding: "utf8" });
            expect(publicKey).toBe(key.publicKeyPem);
        }
    });

    test("OpenSSL trusts a certificate of the station's authority for its names, and for those only", async () => {
        const caKey = await make("PrivateKey", inputs);
        const ca = await make("SelfSignedCert", {
            privateKeyPem: caKey.privateKeyPem,
            subject: { commonName: "Radio CA", organization: "Radio" },
            isCaCertificate: true,
            setSubjectKeyId: true,
            setAuthorityKeyId: true,
            validityPeriodHours: 100,
            allowedUses: ["cert_signing", "crl_signing"],
        });
        const key = await make("PrivateKey", inputs);
        const { certRequestPem } = await make("CertRequest", {
            privateKeyPem: key.privateKeyPem,
            subject: { commonName: "master-a" },
            dnsNames: ["master-a.radio.internal"],
            ipAddresses: ["198.19.0.1"],
        });
        const leaf = await make("LocallySignedCert", {
            certRequestPem,
            caCertPem: ca.certPem,
            caPrivateKeyPem: caKey.privateKeyPem,
            setSubjectKeyId: true,
            validityPeriodHours: 10,
            allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
        });
        const [caFile, leafFile] = [file("ca.pem", ca.certPem ?? ""), file("leaf.pem", leaf.certPem ?? "")];
        const verify = (...more: string[]): number | null =>
            spawnSync("openssl", ["verify", "-x509_strict", "-CAfile", caFile, ...more, leafFile]).status;
        expect(verify("-purpose", "sslserver", "-verify_hostname", "master-a.radio.internal")).toBe(0);
        expect(verify("-verify_ip", "198.19.0.1")).toBe(0);
        expect(verify("-verify_hostname", "master-b.radio.internal")).not.toBe(0);
        expect(verify("-purpose", "sslclient")).not.toBe(0);

        const text = execFileSync("openssl", ["x509", "-in", caFile, "-noout", "-text"], {
            encoding: "utf8",
        });
        expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE/);
        expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
        expect(text).toContain("Subject Key Identifier");
        const leafText = execFileSync("openssl", ["x509", "-in", leafFile, "-noout", "-text"], {
            encoding: "utf8",
        });
        expect(leafText).toContain("DNS:master-a.radio.internal, IP Address:198.19.0.1");
        expect(leafText).toContain("Authority Key Identifier");
    });
});

test("a certificate is due for renewal early, as asked", () => {
    const kind = tls.kinds.find(({ type }) => type.endsWith(":LocallySignedCert")) as ResourceKind;
    const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    expect(kind.isDue({ validityEndTime: inHours(10), earlyRenewalHours: 5 })).toBe(false);
    expect(kind.isDue({ validityEndTime: inHours(4), earlyRenewalHours: 5 })).toBe(true);
});
