import { isDeepStrictEqual } from "node:util";

import type { Properties } from "./protocol/values";
import type { Args, SdkType, State } from "./sdk";

/*
 * How the real providers behave, kind by kind: what a change replaces, in which order, and what is known only
 * afterwards. The lab does the same, so that a plan here is the plan there. Facts, each with where it was read; what
 * was not read in a provider's source says `fromMemory`.
 */

/** Whether a change of one property replaces the resource, where that depends on the change. */
type ReplaceWhen = (before: unknown, after: unknown) => boolean;

export interface Behaviour<Input extends PropertyKey = string, Output extends PropertyKey = string> {
    /**
     * What the real provider is made with. Kinds of Terraform's SDK v2 are deleted before they are created when
     * `autoName` is given by the program; the others never are (Pulumi's Terraform bridge).
     */
    library: "sdk" | "framework" | "native";
    /** The property that the bridge makes from the logical name and a random end where the program gives none. */
    autoName?: Input;
    /** Properties whose change makes a new resource; `*` means every one. */
    replaceOn: readonly Input[] | "*";
    /** Properties of which only some changes do. */
    replaceWhen?: Readonly<Partial<Record<Input, ReplaceWhen>>>;
    /** Outputs that are known only after creation. */
    computed: readonly Output[];
    /** Of those, the ones that are unknown again with every change in place, and stand in its differences. */
    computedAgain?: readonly Output[];
    source: string;
}

/** A network balancer takes more subnets in place, but neither fewer nor others (`customizeDiffLoadBalancerNLB`). */
const unlessOnlyAdded: ReplaceWhen = (before, after) => {
    const [old, wanted] = [listOf(before), listOf(after)];
    return (
        wanted.length <= old.length ||
        !old.every((one) => wanted.some((other) => isDeepStrictEqual(one, other)))
    );
};

const betweenNoneAndSome: ReplaceWhen = (before, after) =>
    (listOf(before).length === 0) !== (listOf(after).length === 0);

/** A rule may get another address in place, but not a group instead of an address (`ModifyPlan`). */
const otherKindOfPeer: ReplaceWhen = (before, after) => (before === undefined) !== (after === undefined);

const peers = { cidrIpv4: otherKindOfPeer, referencedSecurityGroupId: otherKindOfPeer };

function listOf(value: unknown): unknown[] {
    return Array.isArray(value) ? value : [];
}

const digitalOcean = (file: string): string => `terraform-provider-digitalocean 2.99.1, digitalocean/${file}`;
const cloudflare = (service: string): string =>
    `terraform-provider-cloudflare 5.22.0, internal/services/${service}/schema.go; computedAgain: seen in runs`;
const amazon = (file: string): string =>
    `terraform-provider-aws, internal/service/${file}, in versions 4 to 6; autoName: pulumi-aws 7, provider/autonaming.go`;
const random = "terraform-provider-random 3, internal/provider";
const tls = "terraform-provider-tls 4, internal/provider";
const command = "pulumi-command 1.2.1, provider/pkg/provider/common/inputs.go";
const fromMemory = "from memory";

/** What is set on a bucket as a whole, and knows nothing afterwards that the program has not said. */
function settingOfBucket(library: "sdk" | "framework", file: string): Behaviour<"bucket" | "region", never> {
    return { library, replaceOn: ["bucket", "region"], computed: [], source: amazon(`s3/${file}`) };
}

/** By type token. The names are those of the SDK, or the compiler refuses them. */
export const behaviours: {
    readonly [Type in SdkType]: Behaviour<keyof Args<Type> & string, keyof State<Type> & string>;
} = {
    "digitalocean:index/droplet:Droplet": {
        library: "sdk",
        autoName: "name",
        replaceOn: [
            "image",
            "region",
            "sshKeys",
            "userData",
            "vpcUuid",
            "monitoring",
            "dropletAgent",
            "publicNetworking",
        ],
        computed: [
            "createdAt",
            "disk",
            "dropletUrn",
            "ipv4Address",
            "ipv4AddressPrivate",
            "ipv6Address",
            "locked",
            "memory",
            "priceHourly",
            "priceMonthly",
            "privateNetworking",
            "publicNetworking",
            "region",
            "status",
            "userData",
            "vcpus",
            "volumeIds",
            "vpcUuid",
        ],
        source: digitalOcean("droplet/resource_droplet.go"),
    },
    "digitalocean:index/firewall:Firewall": {
        library: "sdk",
        autoName: "name",
        replaceOn: [],
        computed: ["createdAt", "pendingChanges", "status"],
        source: digitalOcean("firewall/firewalls.go"),
    },
    "digitalocean:index/reservedIp:ReservedIp": {
        library: "sdk",
        replaceOn: ["region"],
        computed: ["ipAddress", "reservedIpUrn"],
        source: digitalOcean("reservedip/resource_reserved_ip.go"),
    },
    "digitalocean:index/reservedIpAssignment:ReservedIpAssignment": {
        library: "sdk",
        replaceOn: ["ipAddress", "dropletId"],
        computed: [],
        source: digitalOcean("reservedip/resource_reserved_ip_assignment.go"),
    },
    "digitalocean:index/sshKey:SshKey": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["publicKey"],
        computed: ["fingerprint"],
        source: digitalOcean("sshkey/resource_ssh_key.go"),
    },
    "digitalocean:index/tag:Tag": {
        library: "sdk",
        autoName: "name",
        replaceOn: "*",
        computed: [
            "databasesCount",
            "dropletsCount",
            "imagesCount",
            "totalResourceCount",
            "volumeSnapshotsCount",
            "volumesCount",
        ],
        source: digitalOcean("tag/resource_tag.go"),
    },
    "digitalocean:index/volume:Volume": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["name", "region", "description", "initialFilesystemType", "initialFilesystemLabel"],
        computed: ["dropletIds", "filesystemLabel", "filesystemType", "volumeUrn"],
        source: digitalOcean("volume/resource_volume.go"),
    },
    "digitalocean:index/vpc:Vpc": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "ipRange"],
        computed: ["createdAt", "default", "ipRange", "vpcUrn"],
        source: digitalOcean("vpc/resource_vpc.go"),
    },
    "cloudflare:index/dnsRecord:DnsRecord": {
        library: "framework",
        replaceOn: ["zoneId", "type"],
        computed: ["createdOn", "modifiedOn", "proxiable"],
        computedAgain: ["modifiedOn"],
        source: cloudflare("dns_record"),
    },
    "cloudflare:index/loadBalancer:LoadBalancer": {
        library: "framework",
        replaceOn: ["zoneId"],
        computed: ["createdOn", "modifiedOn", "zoneName"],
        computedAgain: ["modifiedOn"],
        source: cloudflare("load_balancer"),
    },
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": {
        library: "framework",
        replaceOn: ["accountId"],
        computed: ["createdOn", "modifiedOn"],
        computedAgain: ["modifiedOn"],
        source: cloudflare("load_balancer_monitor"),
    },
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": {
        library: "framework",
        replaceOn: ["accountId"],
        computed: ["createdOn", "modifiedOn", "networks"],
        computedAgain: ["modifiedOn", "networks"],
        source: cloudflare("load_balancer_pool"),
    },
    "aws:autoscaling/group:Group": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name", "namePrefix", "initialLifecycleHooks"],
        computed: ["arn", "availabilityZones", "desiredCapacity", "name"],
        source: amazon("autoscaling/group.go"),
    },
    "aws:autoscaling/policy:Policy": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name", "autoscalingGroupName"],
        computed: ["arn", "name"],
        source: amazon("autoscaling/policy.go"),
    },
    "aws:budgets/budget:Budget": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["name"],
        computed: ["accountId", "arn", "name", "tagsAll"],
        source: amazon("budgets/budget.go"),
    },
    "aws:ec2/eip:Eip": {
        library: "sdk",
        replaceOn: ["region", "domain"],
        computed: ["allocationId", "arn", "publicIp", "publicDns", "tagsAll"],
        source: amazon("ec2/ec2_eip.go"),
    },
    "aws:ec2/internetGateway:InternetGateway": {
        library: "sdk",
        replaceOn: ["region"],
        computed: ["arn", "ownerId", "tagsAll"],
        source: fromMemory,
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name", "namePrefix"],
        computed: ["arn", "defaultVersion", "latestVersion", "name", "tagsAll"],
        source: amazon("ec2/ec2_launch_template.go"),
    },
    "aws:ec2/routeTable:RouteTable": {
        library: "sdk",
        replaceOn: ["region", "vpcId"],
        computed: ["arn", "ownerId", "tagsAll"],
        source: fromMemory,
    },
    "aws:ec2/routeTableAssociation:RouteTableAssociation": {
        library: "sdk",
        replaceOn: ["region", "subnetId"],
        computed: [],
        source: amazon("ec2/vpc_route_table_association.go"),
    },
    "aws:ec2/securityGroup:SecurityGroup": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name", "namePrefix", "description", "vpcId"],
        computed: ["arn", "name", "ownerId", "tagsAll"],
        source: amazon("ec2/vpc_security_group.go"),
    },
    "aws:ec2/subnet:Subnet": {
        library: "sdk",
        replaceOn: ["region", "vpcId", "cidrBlock", "availabilityZone"],
        computed: ["arn", "availabilityZone", "availabilityZoneId", "ownerId", "tagsAll"],
        source: amazon("ec2/vpc_subnet.go"),
    },
    "aws:ec2/vpc:Vpc": {
        library: "sdk",
        replaceOn: ["region", "cidrBlock", "instanceTenancy"],
        computed: ["arn", "mainRouteTableId", "defaultSecurityGroupId", "ownerId", "tagsAll"],
        source: amazon("ec2/vpc_.go"),
    },
    "aws:iam/accessKey:AccessKey": {
        library: "sdk",
        replaceOn: ["user"],
        computed: ["createDate", "secret"],
        source: fromMemory,
    },
    "aws:iam/instanceProfile:InstanceProfile": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["name", "path"],
        computed: ["arn", "createDate", "tagsAll", "uniqueId"],
        source: amazon("iam/instance_profile.go"),
    },
    "aws:iam/role:Role": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["name", "path"],
        computed: ["arn", "createDate", "tagsAll", "uniqueId"],
        source: amazon("iam/role.go"),
    },
    "aws:iam/rolePolicy:RolePolicy": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["name", "role"],
        computed: [],
        source: amazon("iam/role_policy.go"),
    },
    "aws:iam/user:User": {
        library: "sdk",
        autoName: "name",
        replaceOn: [],
        computed: ["arn", "tagsAll", "uniqueId"],
        source: amazon("iam/user.go"),
    },
    "aws:iam/userPolicy:UserPolicy": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["name", "user"],
        computed: [],
        source: amazon("iam/user_policy.go"),
    },
    "aws:lb/listener:Listener": {
        library: "sdk",
        replaceOn: ["region", "loadBalancerArn"],
        computed: ["arn", "tagsAll"],
        source: amazon("elbv2/listener.go"),
    },
    "aws:lb/loadBalancer:LoadBalancer": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name", "namePrefix", "loadBalancerType", "internal"],
        replaceWhen: { subnetMappings: unlessOnlyAdded, securityGroups: betweenNoneAndSome },
        computed: ["arn", "arnSuffix", "dnsName", "name", "tagsAll", "vpcId", "zoneId"],
        source: amazon("elbv2/load_balancer.go"),
    },
    "aws:lb/targetGroup:TargetGroup": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name", "namePrefix", "port", "protocol", "vpcId", "targetType"],
        computed: ["arn", "arnSuffix", "name", "tagsAll"],
        source: amazon("elbv2/target_group.go"),
    },
    "aws:s3/bucket:Bucket": {
        library: "sdk",
        autoName: "bucket",
        replaceOn: ["bucket", "objectLockEnabled", "region"],
        computed: ["arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "tagsAll"],
        source: amazon("s3/bucket.go"),
    },
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": settingOfBucket(
        "framework",
        "bucket_lifecycle_configuration.go",
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": settingOfBucket(
        "sdk",
        "bucket_object_lock_configuration.go",
    ),
    // Its key has a default, the logical name, but none that Pulumi's bridge knows as automatic.
    "aws:s3/bucketObjectv2:BucketObjectv2": {
        library: "sdk",
        replaceOn: ["bucket", "key", "region"],
        computed: [
            "arn",
            "contentType",
            "etag",
            "serverSideEncryption",
            "storageClass",
            "tagsAll",
            "versionId",
        ],
        computedAgain: ["versionId"],
        source: amazon("s3/object.go") + ", read 2026-11; pulumi-aws 7, provider/resources.go",
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": settingOfBucket(
        "sdk",
        "bucket_ownership_controls.go",
    ),
    "aws:s3/bucketPolicy:BucketPolicy": settingOfBucket("sdk", "bucket_policy.go"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": settingOfBucket(
        "sdk",
        "bucket_public_access_block.go",
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": settingOfBucket(
        "sdk",
        "bucket_replication_configuration.go",
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": settingOfBucket(
        "sdk",
        "bucket_server_side_encryption_configuration.go",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": settingOfBucket("sdk", "bucket_versioning.go"),
    "aws:ssm/parameter:Parameter": {
        library: "sdk",
        autoName: "name",
        replaceOn: ["region", "name"],
        computed: ["arn", "dataType", "keyId", "name", "tagsAll", "version"],
        source: amazon("ssm/parameter.go"),
    },
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
        library: "framework",
        replaceOn: ["region", "securityGroupId"],
        replaceWhen: peers,
        computed: ["arn", "securityGroupRuleId", "tagsAll"],
        source: amazon("ec2/vpc_security_group_ingress_rule.go"),
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        library: "framework",
        replaceOn: ["region", "securityGroupId"],
        replaceWhen: peers,
        computed: ["arn", "securityGroupRuleId", "tagsAll"],
        source: amazon("ec2/vpc_security_group_ingress_rule.go"),
    },
    "random:index/randomId:RandomId": {
        library: "framework",
        replaceOn: "*",
        computed: ["b64Std", "b64Url", "dec", "hex"],
        source: random,
    },
    "random:index/randomPassword:RandomPassword": {
        library: "framework",
        replaceOn: "*",
        computed: ["result"],
        source: random,
    },
    "tls:index/certRequest:CertRequest": {
        library: "framework",
        replaceOn: "*",
        computed: ["certRequestPem", "keyAlgorithm"],
        source: tls,
    },
    "tls:index/locallySignedCert:LocallySignedCert": {
        library: "framework",
        replaceOn: [
            "allowedUses",
            "caCertPem",
            "caPrivateKeyPem",
            "certRequestPem",
            "isCaCertificate",
            "maxPathLength",
            "setSubjectKeyId",
            "validityPeriodHours",
        ],
        computed: ["certPem", "readyForRenewal", "validityEndTime", "validityStartTime", "caKeyAlgorithm"],
        source: tls,
    },
    "tls:index/privateKey:PrivateKey": {
        library: "framework",
        replaceOn: "*",
        computed: [
            "privateKeyOpenssh",
            "privateKeyPem",
            "privateKeyPemPkcs8",
            "publicKeyFingerprintMd5",
            "publicKeyFingerprintSha256",
            "publicKeyOpenssh",
            "publicKeyPem",
        ],
        source: tls,
    },
    "tls:index/selfSignedCert:SelfSignedCert": {
        library: "framework",
        replaceOn: [
            "allowedUses",
            "dnsNames",
            "ipAddresses",
            "isCaCertificate",
            "maxPathLength",
            "privateKeyPem",
            "setAuthorityKeyId",
            "setSubjectKeyId",
            "subject",
            "validityPeriodHours",
        ],
        computed: ["certPem", "readyForRenewal", "validityEndTime", "validityStartTime", "keyAlgorithm"],
        source: tls,
    },
    "command:local:Command": {
        library: "native",
        replaceOn: ["triggers"],
        computed: ["stderr", "stdout"],
        source: command,
    },
    "command:remote:Command": {
        library: "native",
        replaceOn: ["triggers"],
        computed: ["stderr", "stdout"],
        source: command,
    },
};

/** The behaviour of a kind that may not be one of the lab's. @throws for one that is not in the table. */
export function behaviourOf(type: string): Behaviour {
    if (!Object.hasOwn(behaviours, type)) {
        throw new Error(`nobody has written down how ${type} behaves: add it to lab/cloud/behaviour.ts`);
    }
    return behaviours[type as SdkType];
}

/**
 * Whether the real provider wants the old resource gone before the new one comes, when it replaces one: the program
 * has given its name. Whether the name changes makes no difference.
 * Source: pulumi-terraform-bridge, pkg/tfbridge/schema.go `nameRequiresDeleteBeforeReplace`, provider.go `Diff`.
 *
 * @param logicalName of the resource in the program.
 * @param wanted new inputs, in which `check` has put the automatic name.
 */
export function isDeletedFirst(behaviour: Behaviour, logicalName: string, wanted: Properties): boolean {
    const { library, autoName } = behaviour;
    const given = autoName === undefined ? undefined : wanted[autoName];
    return library === "sdk" && given !== undefined && !isAutoName(logicalName, given);
}

/** As the bridge's names end: a hyphen and seven hexadecimal digits. */
function isAutoName(logicalName: string, name: unknown): boolean {
    return typeof name === "string" && name.slice(0, -8) === logicalName && /-[0-9a-f]{7}$/.test(name);
}
