import { generateKeyPairSync } from "node:crypto";

import { selfSign, signRequest, requestCertificate, type Subject } from "../../lab/cloudless/tls/certificate";

/** A certificate with its key, as PEM. */
export interface KeyedCertificate {
    certificate: string;
    key: string;
}

function newKey(): string {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** A CA with the terms of `StationAuthority`. */
export async function newAuthority(subject: Subject): Promise<KeyedCertificate> {
    const key = newKey();
    const { certPem } = await selfSign(
        key,
        subject,
        {},
        {
            allowedUses: ["cert_signing", "crl_signing"],
            validityPeriodHours: 24,
            isCaCertificate: true,
            setSubjectKeyId: true,
            setAuthorityKeyId: false,
        },
    );
    return { certificate: certPem, key };
}

/** A certificate for a name, as `StationAuthority` issues it. */
export async function issuedBy(authority: KeyedCertificate, name: string): Promise<KeyedCertificate> {
    const key = newKey();
    const request = await requestCertificate(key, { commonName: name }, { dnsNames: [name] });
    const { certPem } = await signRequest(request, authority.certificate, authority.key, {
        allowedUses: ["digital_signature", "server_auth"],
        validityPeriodHours: 24,
        isCaCertificate: false,
        setSubjectKeyId: false,
    });
    return { certificate: certPem, key };
}
