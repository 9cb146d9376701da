import { createHash } from "node:crypto";

import { z } from "zod";

import { resourceKind, type ProviderPackage, type Properties } from "../../cloud/kind";
import {
    algorithmOf,
    allowedUses,
    requestCertificate,
    selfSign,
    signRequest,
    type Certificate,
} from "./certificate";
import { privateKey } from "./privateKey";

const text = z.string().optional();
const texts = z.array(z.string()).optional();

const subject = z.strictObject({
    commonName: text,
    organization: text,
});

const named = { dnsNames: texts, ipAddresses: texts };

const terms = {
    allowedUses: z.array(
        z.string().refine((use) => allowedUses.includes(use), {
            error: (issue) => `value must be one of: ${allowedUses.join(", ")}, got ${String(issue.input)}`,
        }),
    ),
    validityPeriodHours: z.number().min(0),
    earlyRenewalHours: z.number().min(0).default(0),
    isCaCertificate: z.boolean().default(false),
    maxPathLength: z.int().min(0).optional(),
    setSubjectKeyId: z.boolean().default(false),
};

function made<Algorithm extends object>({ serial, ...outputs }: Certificate, algorithm: Algorithm) {
    return { id: serial, outputs: { ...outputs, ...algorithm, readyForRenewal: false } };
}

/** A certificate is made anew some hours before it ends, by the next `up`. */
function isDue(outputs: Properties): boolean {
    const end = typeof outputs.validityEndTime === "string" ? Date.parse(outputs.validityEndTime) : NaN;
    const early = typeof outputs.earlyRenewalHours === "number" ? outputs.earlyRenewalHours : 0;
    return Date.now() >= end - early * 3_600_000;
}

const selfSignedCert = resourceKind({
    type: "tls:index/selfSignedCert:SelfSignedCert",
    inputs: z.strictObject({
        ...terms,
        ...named,
        privateKeyPem: z.string(),
        subject: subject.default({}),
        setAuthorityKeyId: z.boolean().default(false),
    }),
    secretOutputs: ["privateKeyPem"],
    isDue,
    create: async (given) =>
        made(await selfSign(given.privateKeyPem, given.subject, given, given), {
            keyAlgorithm: algorithmOf(given.privateKeyPem),
        }),
});

const certRequest = resourceKind({
    type: "tls:index/certRequest:CertRequest",
    inputs: z.strictObject({ ...named, privateKeyPem: z.string(), subject: subject.default({}) }),
    secretOutputs: ["privateKeyPem"],
    create: async (given) => {
        const certRequestPem = await requestCertificate(given.privateKeyPem, given.subject, given);
        return {
            id: createHash("sha1").update(certRequestPem).digest("hex"),
            outputs: { certRequestPem, keyAlgorithm: algorithmOf(given.privateKeyPem) },
        };
    },
});

const locallySignedCert = resourceKind({
    type: "tls:index/locallySignedCert:LocallySignedCert",
    inputs: z.strictObject({
        ...terms,
        certRequestPem: z.string(),
        caCertPem: z.string(),
        caPrivateKeyPem: z.string(),
    }),
    secretOutputs: ["caPrivateKeyPem"],
    isDue,
    create: async (given) =>
        made(await signRequest(given.certRequestPem, given.caCertPem, given.caPrivateKeyPem, given), {
            caKeyAlgorithm: algorithmOf(given.caPrivateKeyPem),
        }),
});

export const tls: ProviderPackage = {
    name: "tls",
    kinds: [certRequest, locallySignedCert, privateKey, selfSignedCert],
};
