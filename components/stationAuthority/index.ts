import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { ofGenerations, type Generations } from "../../model/rotation";
import type { SecretGenerations } from "../machine/secrets";

export interface StationAuthorityArgs {
    stationName: string;
    /** The present one issues certificates; machines trust those of all that are accepted. */
    generations: Generations;
}

/** A certificate with its key, as a machine needs them. */
export interface IssuedCertificate {
    certificatePem: pulumi.Output<string>;
    privateKeyPem: pulumi.Output<string>;
}

/** A CA of one generation. */
interface Authority {
    key: tls.PrivateKey;
    certificate: tls.SelfSignedCert;
}

const hoursPerYear = 8766;

/**
 * The station's own certificate authority, for the links between its machines. Listeners never meet it.
 *
 * Certificates are renewed by a `pulumi up` within the last third of their life. A new generation is a new CA, which
 * issues all certificates anew, with new keys. Machines take both in place.
 */
export class StationAuthority extends pulumi.ComponentResource {
    /** What every machine trusts for links: the certificates of all accepted generations, one after the other. */
    public readonly trustedPem: pulumi.Output<string>;
    /** Of the files `ca.pem`, and of certificates and keys, of machines. */
    public readonly generations: SecretGenerations;
    private readonly generation: number;
    private readonly present: Authority;

    constructor(name: string, args: StationAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:StationAuthority", name, args, opts);
        const authorities = ofGenerations(args.generations, (generation) =>
            this.create(name, args.stationName, generation),
        );
        const { present, accepted } = args.generations;
        this.generation = present;
        this.generations = {
            "file.ca.pem": accepted,
            "file.tls.pem": [present],
            "file.tls.key": [present],
            "file.machine.pem": [present],
            "file.machine.key": [present],
        };
        this.present = authorities.present;
        this.trustedPem = pulumi
            .all(authorities.accepted.map(({ value }) => value.certificate.certPem))
            .apply((certificates) => certificates.map((pem) => `${pem.trim()}\n`).join(""));
        this.registerOutputs({ trustedPem: this.trustedPem });
    }

    /**
     * Issues a certificate on P-256, valid for three years, for a server unless other uses are given.
     *
     * @param dnsNames the first one is its common name, too.
     */
    public issue(
        name: string,
        dnsNames: readonly [string, ...string[]],
        parent: pulumi.Resource,
        uses: readonly ("server_auth" | "client_auth")[] = ["server_auth"],
    ): IssuedCertificate {
        const generation = this.generation;
        const key = new tls.PrivateKey(
            `${name}-key-${generation}`,
            { algorithm: "ECDSA", ecdsaCurve: "P256" },
            { parent },
        );
        const request = new tls.CertRequest(
            `${name}-request-${generation}`,
            {
                privateKeyPem: key.privateKeyPem,
                dnsNames: [...dnsNames],
                subject: { commonName: dnsNames[0] },
            },
            { parent },
        );
        const certificate = new tls.LocallySignedCert(
            `${name}-certificate-${generation}`,
            {
                certRequestPem: request.certRequestPem,
                caPrivateKeyPem: this.present.key.privateKeyPem,
                caCertPem: this.present.certificate.certPem,
                validityPeriodHours: 3 * hoursPerYear,
                earlyRenewalHours: hoursPerYear,
                allowedUses: ["digital_signature", ...uses],
            },
            { parent },
        );
        return { certificatePem: certificate.certPem, privateKeyPem: key.privateKeyPem };
    }

    private create(name: string, stationName: string, generation: number): Authority {
        const key = new tls.PrivateKey(
            `${name}-key-${generation}`,
            { algorithm: "ECDSA", ecdsaCurve: "P256" },
            { parent: this },
        );
        const certificate = new tls.SelfSignedCert(
            `${name}-certificate-${generation}`,
            {
                privateKeyPem: key.privateKeyPem,
                isCaCertificate: true,
                validityPeriodHours: 20 * hoursPerYear,
                earlyRenewalHours: 2 * hoursPerYear,
                allowedUses: ["cert_signing", "crl_signing"],
                // Each generation has its own name, by which programs find the one that has issued a certificate. Short:
                // the canary's secrets hold three of them, and are 4 KiB at most.
                subject: { commonName: `links ${generation}`, organization: stationName },
                setSubjectKeyId: true,
            },
            { parent: this },
        );
        return { key, certificate };
    }
}
