import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export interface StationNetworkArgs {
    /** Stack the machines belong to; part of names and tags, so that several stacks share an account. */
    stack: string;
    /** Provider regions in which the station has machines. */
    regions: string[];
    /** Ranges from which SSH is reachable. */
    sshAllowedFrom: string[];
    /** OpenSSH public keys of the engineers. */
    authorizedKeys: string[];
    /** Whether there is a monitoring machine, which every machine lets read its metrics. */
    monitored?: boolean;
    /** Where the journals of all machines go; nowhere without. */
    journals?: JournalTarget | undefined;
}

/** The machine that takes the journals of all others. */
export interface JournalTarget {
    /** Its address, which outlives it. */
    address: pulumi.Input<string>;
    /** For how many days a Relay keeps what holds listeners' addresses. */
    addressDays: number;
}

/** How `pulumi up` and engineers reach a machine by SSH. */
export interface SshAccess {
    /** Key that `pulumi up` logs in with. */
    privateKey: pulumi.Output<string>;
    /** Its public half. */
    deployKey: pulumi.Output<string>;
    /** All public keys that may log in, the program's own among them. */
    authorizedKeys: pulumi.Output<string[]>;
    /** Registered with the provider: without one it would mail a root password. */
    providerKey: pulumi.Output<string>;
    allowedFrom: string[];
}

/**
 * What the machines of a station share: a private network per region, tags by which firewalls know them, and the keys
 * that open SSH.
 */
export class StationNetwork extends pulumi.ComponentResource {
    /** Id of the private network, by region. */
    public readonly vpcUuids: Record<string, pulumi.Output<string>>;
    public readonly ssh: SshAccess;
    /** On every machine that pulls channels from another; firewalls admit links by it. */
    public readonly linkTag: pulumi.Output<string>;
    /** On droplets that are left behind to drain; no state has those. */
    public readonly drainingTag: pulumi.Output<string>;
    /** On the monitoring machine; firewalls let it read metrics by it. Undefined where there is none. */
    public readonly monitoringTag: pulumi.Output<string> | undefined;
    /** On every machine that sends its journal to the monitoring machine, which takes it by that. */
    public readonly monitoredTag: pulumi.Output<string> | undefined;
    /** Where journals go. */
    public readonly journals: JournalTarget | undefined;
    /** The first two as texts: a look-up needs them before the tags exist. */
    public readonly tagNames: { link: string; draining: string };
    /** `aerial-<stack>`, the start of names that are unique in an account. */
    public readonly prefix: string;

    constructor(name: string, args: StationNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("aerial:index:StationNetwork", name, args, opts);
        this.prefix = `aerial-${args.stack}`;
        this.vpcUuids = Object.fromEntries(
            args.regions.map((region) => [
                region,
                new digitalocean.Vpc(
                    `${name}-${region}`,
                    {
                        name: `${this.prefix}-${region}`,
                        region,
                        description: `Machines of ${this.prefix} in ${region}`,
                    },
                    { parent: this },
                ).id,
            ]),
        );
        const key = new tls.PrivateKey(`${name}-deploy-key`, { algorithm: "ED25519" }, { parent: this });
        // Providers differ in whether the line ends with a line break.
        const publicKey = key.publicKeyOpenssh.apply((line) => line.trim());
        const providerKey = new digitalocean.SshKey(
            `${name}-deploy-key`,
            { name: `${this.prefix}-deploy`, publicKey },
            { parent: this },
        );
        this.ssh = {
            privateKey: pulumi.secret(key.privateKeyOpenssh),
            deployKey: publicKey,
            authorizedKeys: publicKey.apply((line) => [line, ...args.authorizedKeys]),
            providerKey: providerKey.fingerprint,
            allowedFrom: args.sshAllowedFrom,
        };
        this.tagNames = { link: `${this.prefix}-link`, draining: `${this.prefix}-draining` };
        const tag = (kind: string): pulumi.Output<string> =>
            new digitalocean.Tag(`${name}-${kind}`, { name: `${this.prefix}-${kind}` }, { parent: this })
                .name;
        this.linkTag = tag("link");
        this.drainingTag = tag("draining");
        this.monitoringTag = args.monitored ? tag("monitoring") : undefined;
        this.monitoredTag = args.journals ? tag("monitored") : undefined;
        this.journals = args.journals;
        this.registerOutputs({ vpcUuids: this.vpcUuids, linkTag: this.linkTag });
    }
}
