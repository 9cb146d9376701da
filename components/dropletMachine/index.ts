import * as command from "@pulumi/command";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { roleWithBulk, type BulkFiles } from "../machine/bulk";
import { enrolPort, loginUser } from "../machine/base";
import { renderCloudConfig, userDataLimitBytes } from "../machine/cloudConfig";
import { deliveredSecrets, type MachineSecrets } from "../machine/givenSecrets";
import type { MachineRole } from "../machine/role";
import type { SecretNames } from "../machine/secrets";
import type { StationNetwork } from "../stationNetwork";

export interface DropletMachineArgs {
    network: StationNetwork;
    /** Provider region, for example `ams3`. */
    region: string;
    /** Droplet size slug, for example `s-1vcpu-1gb`. */
    size: pulumi.Input<string>;
    /** What the machine is. A change makes a new machine. */
    role: pulumi.Input<MachineRole>;
    /** Files for which its user data has no room. A change makes a new machine, too. */
    bulk?: pulumi.Input<BulkFiles>;
    /** Which secrets the role's files ask for. */
    secretNames: SecretNames;
    /** Delivered over SSH, changed in place. */
    secrets: MachineSecrets;
    /** Tags beside the station's own; firewalls are bound to them. */
    tags: pulumi.Input<string>[];
    /** An address that stays through replacements; it moves to a new machine once that is ready. */
    reservedIp?: pulumi.Input<string>;
    /** A disk that outlives the droplet. It is on one at a time, so that the old droplet goes before the new one comes. */
    volumeId?: pulumi.Input<string>;
}

/** The image all machines start from. */
const image = "debian-13-x64";

/** How long a droplet may take to shut down and go, in seconds. */
const deleteLimitSeconds = 600;

/** How long a machine may take from its first answer over SSH to healthy, in seconds. */
const readyTimeoutSeconds = 600;

/**
 * A droplet that is configured, holds its secrets, and is proven healthy: whoever depends on it waits for that.
 *
 * Its SSH host key is known in advance. User data carries a key for the first contact only (any process on a droplet
 * can read user data); over that contact the real host key is delivered, and from then on pinned.
 */
export class DropletMachine extends pulumi.ComponentResource {
    /** Public IPv4 address: the reserved one where the machine has one, else the present droplet's own. */
    public readonly address: pulumi.Output<string>;

    constructor(name: string, args: DropletMachineArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:DropletMachine", name, { region: args.region, size: args.size }, opts);
        const child = { parent: this };
        const delivered = deliveredSecrets(args.secretNames, args.secrets, this);
        const hostKey = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, child);
        const enrolKey = new tls.PrivateKey(`${name}-enrol-key`, { algorithm: "ED25519" }, child);

        const bulk =
            args.bulk &&
            pulumi.all([args.role, args.bulk]).apply(([role, files]) => roleWithBulk(role, files));
        const userData = pulumi
            .all([bulk?.role ?? args.role, args.network.ssh.authorizedKeys, enrolKey.privateKeyOpenssh])
            .apply(([role, authorizedKeys, enrolHostKey]) =>
                renderCloudConfig(
                    { hostname: name, authorizedKeys, enrolHostKey, role },
                    userDataLimitBytes.digitalOcean,
                ),
            );
        const vpcUuid = args.network.vpcUuids[args.region];
        if (vpcUuid === undefined) {
            throw new pulumi.ResourceError(`the station's network has no region ${args.region}`, this);
        }
        const droplet = new digitalocean.Droplet(
            name,
            {
                name,
                image,
                region: args.region,
                size: args.size,
                vpcUuid,
                sshKeys: [args.network.ssh.providerKey],
                tags: args.tags,
                monitoring: true,
                userData: pulumi.secret(userData),
                ...(args.volumeId !== undefined && {
                    volumeIds: [args.volumeId],
                    // Otherwise the volume is taken from the running machine: DigitalOcean detaches it, then deletes
                    // the droplet without shutting it down.
                    gracefulShutdown: true,
                }),
            },
            {
                ...child,
                // In place, a new size means power off, resize, power on: all Relays of a region, or both Masters, at
                // the same time, and nobody waits until they are healthy again. And it can only grow.
                replaceOnChanges: ["size"],
                // A shutdown has to be over in this time; the provider's own minute is less than PostgreSQL may take.
                customTimeouts: { delete: `${deleteLimitSeconds}s` },
            },
        );

        // The provider lists a reserved address among the droplet's own and promises no order (godo issue 343): once one
        // is assigned, a refresh may take it for `ipv4Address`. So nothing may depend on that afterwards: what knows the
        // machine by its first address keeps it (`ignoreChanges`) until the machine is replaced.
        this.address = args.reservedIp === undefined ? droplet.ipv4Address : pulumi.output(args.reservedIp);
        const reached = { ...child, ignoreChanges: ["connection.host"] };
        const connection = {
            host: droplet.ipv4Address,
            user: loginUser,
            privateKey: args.network.ssh.privateKey,
            // A droplet answers after about a minute; upstream waits between tries.
            dialErrorLimit: 60,
            perDialTimeout: 10,
        };
        const shared = { addPreviousOutputInEnv: false, triggers: [droplet.id] };
        const enrol = new command.remote.Command(
            `${name}-enrol`,
            {
                ...shared,
                connection: {
                    ...connection,
                    port: enrolPort,
                    hostKey: enrolKey.publicKeyOpenssh.apply((line) => line.trim()),
                },
                // The first contact runs this whatever it is asked for; said here for the reader.
                create: "sudo /usr/local/sbin/aerial-enrol install",
                stdin: pulumi.secret(hostKey.privateKeyOpenssh),
            },
            reached,
        );
        const pinned = { ...connection, hostKey: hostKey.publicKeyOpenssh.apply((line) => line.trim()) };
        const files =
            bulk &&
            new command.remote.Command(
                `${name}-files`,
                {
                    ...shared,
                    connection: pinned,
                    create: "sudo /usr/local/sbin/aerial-bulk",
                    // No secret, but nothing to be shown in a preview either.
                    stdin: pulumi.secret(bulk.stdin),
                },
                { ...reached, dependsOn: enrol },
            );
        const secrets = new command.remote.Command(
            `${name}-secrets`,
            {
                ...shared,
                connection: pinned,
                create: "sudo /usr/local/sbin/aerial-enrol seal && sudo /usr/local/sbin/aerial-secrets apply",
                stdin: delivered,
            },
            { ...reached, dependsOn: files ?? enrol },
        );
        const ready = new command.remote.Command(
            `${name}-ready`,
            {
                ...shared,
                connection: pinned,
                create: `sudo /usr/local/sbin/aerial-ready --timeout ${readyTimeoutSeconds}`,
            },
            { ...reached, dependsOn: secrets },
        );
        if (args.reservedIp !== undefined) {
            new digitalocean.ReservedIpAssignment(
                `${name}-address`,
                { ipAddress: args.reservedIp, dropletId: droplet.id.apply(Number) },
                // Made before the old one goes, which then leaves the address alone: it is no longer its own.
                { ...child, dependsOn: ready },
            );
        }
        this.registerOutputs({ address: this.address });
    }
}
