import { createHash } from "node:crypto";

import * as command from "@pulumi/command";
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { enrolledRole, enrolPort, loginUser } from "../machine/base";
import { renderCloudConfig, userDataLimitBytes } from "../machine/cloudConfig";
import { deliveryText } from "../machine/delivery";
import { fingerprintOf, shortHash, type Fingerprint } from "../machine/fingerprint";
import { deliveredSecrets, type MachineSecrets } from "../machine/givenSecrets";
import { journalUploadRole } from "../machine/journalUpload";
import { machineCertificate, metricsRole, metricsSecrets, type Monitored } from "../machine/metrics";
import { dependencies } from "../stackOutputs";
import { mergeRoles, type MachineRole } from "../machine/role";
import type { SecretNames } from "../machine/secrets";
import type { StationNetwork } from "../stationNetwork";
import { createEnding, type EndingPlan } from "./ending";

export interface DropletMachineArgs {
    network: StationNetwork;
    /** Provider region, for example `ams3`. */
    region: string;
    /** Droplet size slug, for example `s-1vcpu-1gb`. */
    size: pulumi.Input<string>;
    /**
     * Whether another size, image or user data are no reason to replace a droplet in this `up`. One that is replaced for
     * another reason (its region, its keys, `--replace`) gets them.
     */
    replacementWaits: boolean;
    /** What the machine is, on a droplet of this size. It is delivered over SSH, and changed in place. */
    role: (size: pulumi.Output<string>) => pulumi.Input<MachineRole>;
    /** Which secrets the role's files ask for. */
    secretNames: SecretNames;
    /** Delivered with the role. */
    secrets: MachineSecrets;
    /** Tags beside the station's own; firewalls are bound to them. */
    tags: pulumi.Input<string>[];
    /** An address that stays through replacements; it moves to a new machine once that is ready. */
    reservedIp?: pulumi.Input<string>;
    /** A disk that outlives the droplet. It is on one at a time, so that the old droplet goes before the new one comes. */
    volumeId?: pulumi.Input<string>;
    /** How the droplet goes, if it has listeners; without it, Pulumi deletes it as it is. */
    ending?: EndingPlan;
    /** What the machine is to the monitoring machine, and the CA by which they know each other; undefined without one. */
    monitored?: Monitored | undefined;
    /** What has to be well before this machine is delivered anything. Its droplet may come before. */
    deliveredAfter?: pulumi.Resource[];
}

/** The image all machines start from. */
const image = "debian-13-x64";

/** How long a droplet may take to shut down and go, in seconds. */
const deleteLimitSeconds = 600;

/** How long a machine may take from its last file in place to healthy, in seconds. */
const readySeconds = 600;

/**
 * A droplet that has its role and its secrets, and is proven healthy: whoever depends on it waits for that. A change of
 * either is made on the machine; one that the machine refuses, or is not healthy with, is taken back there.
 *
 * Its SSH host key is known in advance. User data carries a key for the first contact only (any process on a droplet
 * can read user data); over that contact the real host key is delivered, and from then on pinned.
 */
export class DropletMachine extends pulumi.ComponentResource {
    /** Public IPv4 address: the reserved one where the machine has one, else the present droplet's own. */
    public readonly address: pulumi.Output<string>;
    /** What the machine is, for the words of a preview. */
    public readonly fingerprint: pulumi.Output<Fingerprint>;
    /** Done when the machine is healthy with what it was delivered, and has its reserved address. */
    public readonly ready: pulumi.Resource;

    constructor(name: string, args: DropletMachineArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:DropletMachine", name, { region: args.region, size: args.size }, opts);
        const child = { parent: this };
        const { names, secrets } = withCertificate(name, args, this);
        const delivered = deliveredSecrets(names, secrets, this);
        const hostKey = new tls.PrivateKey(`${name}-host-key`, { algorithm: "ED25519" }, child);
        const enrolKey = new tls.PrivateKey(`${name}-enrol-key`, { algorithm: "ED25519" }, child);

        const userData = pulumi
            .all([args.network.ssh.deployKey, enrolKey.privateKeyOpenssh])
            .apply(([deployKey, enrolHostKey]) =>
                renderCloudConfig(
                    { hostname: name, deployKey, enrolHostKey },
                    userDataLimitBytes.digitalOcean,
                ),
            );
        const vpcUuid = args.network.vpcUuids[args.region];
        if (vpcUuid === undefined) {
            throw new pulumi.ResourceError(`the station's network has no region ${args.region}`, this);
        }
        const sendsJournal = journalTarget(args);
        const droplet = new digitalocean.Droplet(
            name,
            {
                name,
                image,
                region: args.region,
                size: args.size,
                vpcUuid,
                sshKeys: [args.network.ssh.providerKey],
                tags: sendsJournal ? [...args.tags, sendsJournal.tag] : args.tags,
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
                // Its `-end` deletes it, when its listeners have left.
                retainOnDelete: args.ending !== undefined,
                // Goes by the state, which knows what a droplet is also after an `up` that failed. The engine takes the old
                // values to decide whether to replace, and the new ones where it does (3.259, step_generator.go).
                ignoreChanges: args.replacementWaits ? ["size", "image", "userData"] : [],
            },
        );
        const role = pulumi
            .all([args.role(droplet.size), args.network.ssh.authorizedKeys, sendsJournal?.to.address])
            .apply(([given, authorizedKeys, journalAddress]) =>
                mergeRoles(
                    given,
                    enrolledRole(authorizedKeys),
                    ...(args.monitored ? [metricsRole(args.monitored.role)] : []),
                    ...(args.monitored && sendsJournal && journalAddress !== undefined
                        ? [
                              journalUploadRole(args.monitored.role, {
                                  address: journalAddress,
                                  addressDays: sendsJournal.to.addressDays,
                              }),
                          ]
                        : []),
                ),
            );
        const bootWaits = args.replacementWaits
            ? isAnotherBoot(userData, droplet.userData)
            : pulumi.output(false);
        this.fingerprint = pulumi
            .all([role, args.size, droplet.size, droplet.image, args.network.ssh.deployKey, bootWaits])
            .apply(([known, size, presentSize, presentImage, deployKey, isAnother]) => {
                const userData = userDataHash(name, deployKey);
                const wanted = { size, image, userData };
                const present: Record<string, string> = {
                    ...{ size: presentSize, image: presentImage },
                    // A state tells that it has booted by something else, and not by what.
                    ...(!isAnother && { userData }),
                };
                const waits = Object.fromEntries(
                    Object.entries(wanted).filter(([fact, value]) => present[fact] !== value),
                );
                return fingerprintOf(present, known, secrets.generations, waits);
            });
        const publicHostKey = hostKey.publicKeyOpenssh.apply((line) => line.trim());
        // Right after the droplet: without it, nobody would delete that.
        const end =
            args.ending &&
            createEnding(
                name,
                {
                    plan: args.ending,
                    droplet,
                    hostKey: publicHostKey,
                    privateKey: args.network.ssh.privateKey,
                },
                this,
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
        // One text for creation and change: the machine finds out by itself what is to be done.
        const receive = "sudo /usr/local/sbin/aerial-enrol seal && sudo /usr/local/sbin/aerial-receive";
        const delivery = new command.remote.Command(
            `${name}-delivery`,
            {
                ...shared,
                connection: { ...connection, hostKey: publicHostKey },
                create: receive,
                update: receive,
                stdin: pulumi
                    .all([role, delivered])
                    .apply(([known, texts]) => deliveryText({ role: known, readySeconds }, texts)),
            },
            { ...reached, dependsOn: dependencies([enrol], args.deliveredAfter ?? []) },
        );
        if (end) {
            // Goes before its `-end`, and so is missing from the state once an end may have begun. If the machine is
            // wanted after all, because that `up` was killed, the next one makes it anew, and so takes the end back.
            new command.remote.Command(
                `${name}-wanted`,
                {
                    ...shared,
                    connection: { ...connection, hostKey: publicHostKey },
                    create: "sudo /usr/local/sbin/aerial-drain stop",
                    // Another key for the connection is no reason: somebody may drain the machine by hand.
                    update: "true",
                },
                { ...reached, dependsOn: [delivery, end] },
            );
        }
        this.ready =
            args.reservedIp === undefined
                ? delivery
                : new digitalocean.ReservedIpAssignment(
                      `${name}-address`,
                      { ipAddress: args.reservedIp, dropletId: droplet.id.apply(Number) },
                      // Made before the old one goes, which then leaves the address alone: it is no longer its own. And
                      // taken away before the droplet ends: the provider's process ends where the address has no droplet.
                      { ...child, dependsOn: [delivery, ...(end ? [end] : [])] },
                  );
        this.registerOutputs({ address: this.address });
    }
}

/** Where the machine sends its journal, and the tag by which that takes it; the monitoring machine has its own already. */
function journalTarget({ monitored, network }: DropletMachineArgs) {
    const { monitoredTag: tag, journals: to } = network;
    return monitored && monitored.role !== "monitoring" && tag && to ? { tag, to } : undefined;
}

/** The secrets of a machine, and those by which the monitoring machine knows it. */
function withCertificate(
    name: string,
    { secretNames, secrets, monitored }: DropletMachineArgs,
    owner: pulumi.Resource,
): { names: SecretNames; secrets: MachineSecrets } {
    if (!monitored) {
        return { names: secretNames, secrets };
    }
    const { files, generations } = machineCertificate(name, monitored.authority, owner);
    return {
        names: {
            values: secretNames.values,
            files: [...new Set([...secretNames.files, ...metricsSecrets.files])],
        },
        secrets: {
            values: secrets.values,
            files: { ...secrets.files, ...files },
            generations: { ...secrets.generations, ...generations },
        },
    };
}

/**
 * Whether a droplet has booted by other user data than this. A state has its SHA-1 in hex (terraform-provider-digitalocean
 * 2.99.1, droplet/resource_droplet.go: `HashStringStateFunc`), a preview may have the text.
 */
function isAnotherBoot(
    wanted: pulumi.Output<string>,
    present: pulumi.Output<string | undefined>,
): pulumi.Output<boolean> {
    const differs = pulumi.all([wanted, present]).apply(([text, known]) => {
        const hash = createHash("sha1").update(text).digest("hex");
        return known !== text && known !== hash;
    });
    return pulumi.unsecret(differs);
}

/** Tells whether a machine's first boot is another. The key of its first contact is left out, since it is a secret. */
function userDataHash(name: string, deployKey: string): string {
    const text = renderCloudConfig(
        { hostname: name, deployKey, enrolHostKey: "" },
        userDataLimitBytes.digitalOcean,
    );
    return shortHash(text);
}
