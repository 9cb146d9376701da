import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";

import type { AirtimeSoftware } from "../../model/airtimeSoftware";
import type { ChannelPlan } from "../../model/channels";
import type { StationCredentials } from "../stationCredentials";
import { DropletMachine } from "../dropletMachine";
import { backupKeys, dumpKey, generationsOfKeys } from "../airtimeBackup/render";
import { createFirewall } from "../dropletMachine/firewall";
import type { Fingerprint } from "../machine/fingerprint";
import type { MachineSecrets } from "../machine/givenSecrets";
import { sourcePasswordName } from "../machine/secrets";
import type { StationAuthority } from "../stationAuthority";
import type { StationNetwork } from "../stationNetwork";
import { libraryFolder } from "./plan";
import { airtimeSecrets, renderAirtime } from "./render";

/** Where shows, database and settings are kept safe, and the keys to it. */
export interface AirtimeBackupAccess {
    /** Amazon's region of both buckets. */
    region: string;
    showsBucket: pulumi.Input<string>;
    archiveBucket: pulumi.Input<string>;
    /** The line that dumps are encrypted to, `ssh-ed25519 …`. */
    recipient: pulumi.Input<string>;
    /** May put and list. */
    writer: { id: pulumi.Input<string>; secret: pulumi.Input<string> };
    /** May read, for audits and restores. */
    reader: { id: pulumi.Input<string>; secret: pulumi.Input<string> };
    /** Generation of these keys. */
    keyGeneration: number;
    /** OpenSSH private key that dumps are decrypted with. */
    privateKey: pulumi.Input<string>;
}

export interface AirtimeArgs {
    /** Provider region, for example `ams3`. */
    region: string;
    /** Droplet size slug. */
    size: pulumi.Input<string>;
    /** `playlist`, or `libretime`, which takes one channel. */
    software: AirtimeSoftware;
    stationName: string;
    channels: ChannelPlan[];
    /** Name of the source as which it connects to the Masters. */
    sourceName: string;
    /** The Masters that it pushes to: their reserved addresses, and the port of their Icecast without TLS. */
    masters: { id: string; host: pulumi.Input<string>; port: number }[];
    /** Room for shows and database, in GiB. It grows in place. */
    volumeGiB: number;
    /** Whether Pulumi refuses to delete the volume with all that is on it, also by replacing it. */
    protect: boolean;
    /** Time zone of the schedule, a key of the IANA database. */
    timeZone: string;
    /** Undefined for a station without a backup. */
    backup?: AirtimeBackupAccess;
    /** Whether another size, image or user data are no reason to replace a droplet in this `up`. */
    replacementWaits: boolean;
    network: StationNetwork;
    /** Whose certificate the monitoring machine knows the machine by; undefined without a monitoring machine. */
    monitoredBy?: StationAuthority | undefined;
    credentials: StationCredentials;
}

/**
 * The playout: it plays round the clock and pushes to every Master, so that there is no silence when a studio loses power
 * or its line.
 *
 * Shows and database are on a volume, which outlives the droplet. A volume can be attached to one droplet at a time, so a
 * replacement deletes the old droplet first: the Masters play their emergency shows for those minutes.
 */
export class Airtime extends pulumi.ComponentResource {
    /** Public IPv4 address of the present droplet. */
    public readonly address: pulumi.Output<string>;
    /** Name of the machine. */
    public readonly name: string;
    /** What the machine is, for the words of a preview. */
    public readonly fingerprint: pulumi.Output<Fingerprint>;
    /** The folder on the machine into which shows go, by channel; by LibreTime's web interface only where that runs. */
    public readonly libraries: Record<string, string>;

    constructor(name: string, args: AirtimeArgs, opts?: pulumi.ComponentResourceOptions) {
        const { region, software, sourceName, timeZone, volumeGiB } = args;
        super("aerial:index:Airtime", name, { region, software, sourceName, timeZone, volumeGiB }, opts);
        const tag = new digitalocean.Tag(
            `${name}-tag`,
            { name: `${args.network.prefix}-${name}` },
            { parent: this },
        ).name;
        // Nothing is open but SSH: shows come by SFTP, and LibreTime's web interface by a tunnel.
        const firewall = createFirewall(
            `${name}-firewall`,
            { network: args.network, tag, openPorts: [] },
            this,
        );
        const volumeName = `${args.network.prefix}-${name}`;
        const volume = new digitalocean.Volume(
            `${name}-volume`,
            {
                name: volumeName,
                region,
                size: volumeGiB,
                // DigitalOcean mounts a volume by itself only if it has formatted it.
                initialFilesystemType: "ext4",
                // No description: a change of its words would replace the volume, and with it all that is on it.
            },
            // Another region would be another volume, without the shows.
            { parent: this, protect: args.protect },
        );
        const role = pulumi
            .all([pulumi.all(args.masters), plainAccess(args.backup)])
            .apply(([masters, backup]) =>
                renderAirtime({
                    software,
                    stationName: args.stationName,
                    channels: args.channels,
                    sourceName,
                    masters,
                    volumeName,
                    timeZone,
                    backup,
                }),
            );
        const machine = new DropletMachine(
            name,
            {
                network: args.network,
                region,
                size: args.size,
                replacementWaits: args.replacementWaits,
                tags: [tag],
                volumeId: volume.id,
                role: () => role,
                monitored: args.monitoredBy && { role: "airtime", authority: args.monitoredBy },
                secretNames: airtimeSecrets(args),
                secrets: secretsOf(args),
            },
            { parent: this, dependsOn: firewall },
        );
        this.address = machine.address;
        this.name = name;
        this.fingerprint = machine.fingerprint;
        this.libraries = Object.fromEntries(
            args.channels.map(({ id }) => [id, libraryFolder({ software, volumeName }, id)]),
        );
        this.registerOutputs({ address: this.address, libraries: this.libraries });
    }
}

/** What of the backup is no secret. */
function plainAccess(backup: AirtimeBackupAccess | undefined) {
    if (!backup) {
        return pulumi.output(undefined);
    }
    const { region, showsBucket, archiveBucket, recipient } = backup;
    return pulumi.output({ region, showsBucket, archiveBucket, recipient });
}

function secretsOf({ credentials, channels, sourceName, backup }: AirtimeArgs): MachineSecrets {
    const passwords = channels.map(({ id }): [string, pulumi.Input<string>] => {
        const password = credentials.sourcePasswords[id]?.[sourceName];
        if (!password) {
            throw new Error(`the station has no source ${sourceName} of channel ${id}`);
        }
        return [sourcePasswordName(id, sourceName), password];
    });
    return {
        values: {
            ...Object.fromEntries(passwords),
            ...(backup && {
                [backupKeys.writer.id]: backup.writer.id,
                [backupKeys.writer.secret]: backup.writer.secret,
                [backupKeys.reader.id]: backup.reader.id,
                [backupKeys.reader.secret]: backup.reader.secret,
            }),
        },
        files: backup ? { [dumpKey]: backup.privateKey } : {},
        generations: {
            ...credentials.generations,
            ...(backup && generationsOfKeys(backup.keyGeneration)),
        },
    };
}
