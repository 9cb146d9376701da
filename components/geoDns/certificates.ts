import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

/** A machine that shows the public certificate. */
export interface CertifiedServer {
    /** Of the machine, for messages: `relay-ams3-1`. */
    name: string;
    address: pulumi.Input<string>;
    /** The name that listeners or encoders know it by, `stream.<domain>`. */
    hostname: string;
}

/** From the names to the last certificate it usually takes a minute; a new zone may take longer to be known. */
const waitSeconds = 600;

/**
 * Waits until all these machines show the station's public certificate, and fails with the reason where they do not: only
 * then a station is on air for those who come by https. It looks again whenever an address has changed, so that the
 * machines before are deleted only after that.
 *
 * @param opts whatever has to be there first, the names above all: the certificate is issued when they lead to the Masters.
 */
export function awaitCertificates(
    name: string,
    servers: CertifiedServer[],
    opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
    return new command.local.Command(
        name,
        {
            create: "node components/geoDns/await-certificates.mjs",
            environment: {
                AERIAL_SERVERS: JSON.stringify(servers.map(({ address: _, ...server }) => server)),
                ...Object.fromEntries(
                    servers.map(({ address }, index) => [`AERIAL_ADDRESS_${index + 1}`, address]),
                ),
                AERIAL_WAIT_SECONDS: String(waitSeconds),
            },
            triggers: servers.map(({ address }) => address),
            logging: "stdoutAndStderr",
            addPreviousOutputInEnv: false,
        },
        opts,
    );
}
