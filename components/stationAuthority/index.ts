import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export interface StationAuthorityArgs {
    stationName: string;
}

/** A certificate with its key, as a machine needs them. */
export interface IssuedCertificate {
    certificatePem: pulumi.Output<string>;
    privateKeyPem: pulumi.Output<string>;
}

const hoursPerYear = 8766;

/**
 * The station's own certificate authority, for the links between its machines. Listeners never meet it.
 *
 * Certificates are renewed by a `pulumi up` within the last third of their life, and delivered without a rebuild.
 */
export class StationAuthority extends pulumi.ComponentResource {
    /** What every machine trusts for links. */
    public readonly certificatePem: pulumi.Output<string>;
    private readonly privateKeyPem: pulumi.Output<string>;

    constructor(name: string, args: StationAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:StationAuthority", name, args, opts);
        const key = new tls.PrivateKey(
            `${name}-key`,
            { algorithm: "ECDSA", ecdsaCurve: "P256" },
            { parent: this },
        );
        const certificate = new tls.SelfSignedCert(
            `${name}-certificate`,
            {
                privateKeyPem: key.privateKeyPem,
                isCaCertificate: true,
                validityPeriodHours: 20 * hoursPerYear,
                earlyRenewalHours: 2 * hoursPerYear,
                allowedUses: ["cert_signing", "crl_signing"],
                subject: { commonName: `${args.stationName} links`, organization: args.stationName },
                setSubjectKeyId: true,
            },
            { parent: this },
        );
        this.certificatePem = certificate.certPem;
        this.privateKeyPem = key.privateKeyPem;
        this.registerOutputs({ certificatePem: this.certificatePem });
    }

    /** Issues a server certificate on P-256, valid for three years. */
    public issue(name: string, dnsName: string, parent: pulumi.Resource): IssuedCertificate {
        const key = new tls.PrivateKey(`${name}-key`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent });
        const request = new tls.CertRequest(
            `${name}-request`,
            { privateKeyPem: key.privateKeyPem, dnsNames: [dnsName], subject: { commonName: dnsName } },
            { parent },
        );
        const certificate = new tls.LocallySignedCert(
            `${name}-certificate`,
            {
                certRequestPem: request.certRequestPem,
                caPrivateKeyPem: this.privateKeyPem,
                caCertPem: this.certificatePem,
                validityPeriodHours: 3 * hoursPerYear,
                earlyRenewalHours: hoursPerYear,
                allowedUses: ["digital_signature", "server_auth"],
            },
            { parent },
        );
        return { certificatePem: certificate.certPem, privateKeyPem: key.privateKeyPem };
    }
}
