import * as pulumi from "@pulumi/pulumi";

/** What happens when a resource is replaced: the new one comes and the old one goes last, or the old one goes first. */
export type ReplacementOrder = "create first" | "delete first";

/*
 * The order of every kind of resource is decided here, and nowhere else. Left to itself, Pulumi deletes first whatever
 * has a name of the program's (Pulumi's Terraform bridge, `nameRequiresDeleteBeforeReplace`): a changed template
 * would then take every Relay off the air before its successor exists.
 *
 * Create first is the rule. Where a provider demands unique names, the name has to change with whatever forces a
 * replacement. If the name stays the same, the provider refuses the new resource, `up` fails, and the old one goes on
 * serving.
 */

/** Kinds of which old and new can, and must, be there at the same time. */
const createFirst: readonly string[] = [
    // A new machine is proven ready, and gets the address and its place in DNS, before the old one goes.
    "digitalocean:index/droplet:Droplet",
    "digitalocean:index/reservedIp:ReservedIp",
    "digitalocean:index/reservedIpAssignment:ReservedIpAssignment",
    // Without a firewall, or the tag that binds it, a machine is open to everyone.
    "digitalocean:index/firewall:Firewall",
    "digitalocean:index/tag:Tag",
    "digitalocean:index/sshKey:SshKey",
    // To delete it first would be to delete all machines in it.
    "digitalocean:index/vpc:Vpc",
    // What holds data is protected besides (`backup.protect`): neither order may lose it.
    "digitalocean:index/volume:Volume",
    "aws:s3/bucket:Bucket",
    // Instances of the launch template before read theirs until the update has succeeded.
    "aws:s3/bucketObjectv2:BucketObjectv2",
    // Listeners find the station by these.
    "cloudflare:index/dnsRecord:DnsRecord",
    "cloudflare:index/loadBalancer:LoadBalancer",
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor",
    "cloudflare:index/loadBalancerPool:LoadBalancerPool",
    // The canary serves listeners, and its instances read delivery and secrets again whenever they start.
    "aws:autoscaling/group:Group",
    "aws:autoscaling/policy:Policy",
    "aws:ec2/eip:Eip",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:lb/listener:Listener",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:ssm/parameter:Parameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:budgets/budget:Budget",
    // A machine takes a new key before the old one ends; a user may have two.
    "aws:iam/accessKey:AccessKey",
    "aws:iam/user:User",
    "aws:iam/userPolicy:UserPolicy",
    // Values, and what is done on machines. Deleting one of these does nothing, but for the end of a droplet.
    "command:local:Command",
    "command:remote:Command",
    "random:index/randomId:RandomId",
    "random:index/randomPassword:RandomPassword",
    "tls:index/certRequest:CertRequest",
    "tls:index/locallySignedCert:LocallySignedCert",
    "tls:index/privateKey:PrivateKey",
    "tls:index/selfSignedCert:SelfSignedCert",
];

/**
 * Settings of a bucket. One is known by its bucket alone: creating it again overwrites it, and deleting the old one
 * afterwards would delete the new one. They serve no listener.
 */
const deleteFirst: readonly string[] = [
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
];

/**
 * The order in which a resource of this kind is replaced.
 *
 * @param type a type token such as `digitalocean:index/droplet:Droplet`.
 * @param inputs as the program gives them. A droplet with a volume is deleted first: the volume can be attached to one
 *     droplet at a time.
 * @returns undefined for a kind that is not decided here.
 */
export function replacementOrder(
    type: string,
    inputs: Readonly<Record<string, unknown>>,
): ReplacementOrder | undefined {
    if (type === "digitalocean:index/droplet:Droplet" && inputs.volumeIds !== undefined) {
        return "delete first";
    }
    return createFirst.includes(type)
        ? "create first"
        : deleteFirst.includes(type)
          ? "delete first"
          : undefined;
}

/**
 * Applies the table to every resource that is made after this call. It has to be called before the first one.
 *
 * @throws pulumi.ResourceError from the constructor of a resource whose kind is not in the table.
 */
export function decideReplacementOrder(): void {
    pulumi.runtime.registerStackTransformation(({ type, name, props, opts, resource }) => {
        // Components, and Pulumi's own, are not replaced.
        if (/^(aerial|pulumi):/.test(type)) {
            return undefined;
        }
        const order = replacementOrder(type, props);
        if (order === undefined) {
            throw new pulumi.ResourceError(
                `${name} is of the kind ${type}, which has no order of replacement: ` +
                    `add the kind to components/replacementOrder.ts`,
                resource,
            );
        }
        return { props, opts: { ...opts, deleteBeforeReplace: order === "delete first" } };
    });
}
