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

/** All machines usually show the certificate a minute after the names exist. With a new zone it may take longer. */
const waitSeconds = 600;

/**
 * Waits until all these machines show the station's public certificate, and fails with the reason if one does not: before
 * that, listeners cannot use https. It runs again whenever an address has changed, so that the old machines are deleted
 * only after that.
 *
 * @param opts depend on the names here: the authority issues the certificate only when they lead to the Masters.
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
                AERIAL_SERVERS: JSON.stringify(servers.map(({ name, hostname }) => ({ name, hostname }))),
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
