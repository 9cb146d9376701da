import type { CustomResource, Unwrap } from "@pulumi/pulumi";
import type { z } from "zod";

/*
 * The SDK's own types, so that an update of the SDK that renames a property is an error of the compiler in each kind
 * that answers it. Types only: no provider of the lab loads an SDK.
 */

/** The SDK's class of every kind, by type token. */
interface SdkClasses {
    "digitalocean:index/droplet:Droplet": typeof import("@pulumi/digitalocean/droplet").Droplet;
    "digitalocean:index/firewall:Firewall": typeof import("@pulumi/digitalocean/firewall").Firewall;
    "digitalocean:index/reservedIp:ReservedIp": typeof import("@pulumi/digitalocean/reservedIp").ReservedIp;
    "digitalocean:index/reservedIpAssignment:ReservedIpAssignment": typeof import("@pulumi/digitalocean/reservedIpAssignment").ReservedIpAssignment;
    "digitalocean:index/sshKey:SshKey": typeof import("@pulumi/digitalocean/sshKey").SshKey;
    "digitalocean:index/tag:Tag": typeof import("@pulumi/digitalocean/tag").Tag;
    "digitalocean:index/volume:Volume": typeof import("@pulumi/digitalocean/volume").Volume;
    "digitalocean:index/vpc:Vpc": typeof import("@pulumi/digitalocean/vpc").Vpc;
    "cloudflare:index/dnsRecord:DnsRecord": typeof import("@pulumi/cloudflare/dnsRecord").DnsRecord;
    "cloudflare:index/loadBalancer:LoadBalancer": typeof import("@pulumi/cloudflare/loadBalancer").LoadBalancer;
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": typeof import("@pulumi/cloudflare/loadBalancerMonitor").LoadBalancerMonitor;
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": typeof import("@pulumi/cloudflare/loadBalancerPool").LoadBalancerPool;
    "aws:autoscaling/group:Group": typeof import("@pulumi/aws/autoscaling/group").Group;
    "aws:autoscaling/policy:Policy": typeof import("@pulumi/aws/autoscaling/policy").Policy;
    "aws:budgets/budget:Budget": typeof import("@pulumi/aws/budgets/budget").Budget;
    "aws:ec2/eip:Eip": typeof import("@pulumi/aws/ec2/eip").Eip;
    "aws:ec2/internetGateway:InternetGateway": typeof import("@pulumi/aws/ec2/internetGateway").InternetGateway;
    "aws:ec2/launchTemplate:LaunchTemplate": typeof import("@pulumi/aws/ec2/launchTemplate").LaunchTemplate;
    "aws:ec2/routeTable:RouteTable": typeof import("@pulumi/aws/ec2/routeTable").RouteTable;
    "aws:ec2/routeTableAssociation:RouteTableAssociation": typeof import("@pulumi/aws/ec2/routeTableAssociation").RouteTableAssociation;
    "aws:ec2/securityGroup:SecurityGroup": typeof import("@pulumi/aws/ec2/securityGroup").SecurityGroup;
    "aws:ec2/subnet:Subnet": typeof import("@pulumi/aws/ec2/subnet").Subnet;
    "aws:ec2/vpc:Vpc": typeof import("@pulumi/aws/ec2/vpc").Vpc;
    "aws:iam/accessKey:AccessKey": typeof import("@pulumi/aws/iam/accessKey").AccessKey;
    "aws:iam/instanceProfile:InstanceProfile": typeof import("@pulumi/aws/iam/instanceProfile").InstanceProfile;
    "aws:iam/role:Role": typeof import("@pulumi/aws/iam/role").Role;
    "aws:iam/rolePolicy:RolePolicy": typeof import("@pulumi/aws/iam/rolePolicy").RolePolicy;
    "aws:iam/user:User": typeof import("@pulumi/aws/iam/user").User;
    "aws:iam/userPolicy:UserPolicy": typeof import("@pulumi/aws/iam/userPolicy").UserPolicy;
    "aws:lb/listener:Listener": typeof import("@pulumi/aws/lb/listener").Listener;
    "aws:lb/loadBalancer:LoadBalancer": typeof import("@pulumi/aws/lb/loadBalancer").LoadBalancer;
    "aws:lb/targetGroup:TargetGroup": typeof import("@pulumi/aws/lb/targetGroup").TargetGroup;
    "aws:s3/bucket:Bucket": typeof import("@pulumi/aws/s3/bucket").Bucket;
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": typeof import("@pulumi/aws/s3/bucketLifecycleConfiguration").BucketLifecycleConfiguration;
    "aws:s3/bucketObjectv2:BucketObjectv2": typeof import("@pulumi/aws/s3/bucketObjectv2").BucketObjectv2;
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": typeof import("@pulumi/aws/s3/bucketObjectLockConfiguration").BucketObjectLockConfiguration;
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": typeof import("@pulumi/aws/s3/bucketOwnershipControls").BucketOwnershipControls;
    "aws:s3/bucketPolicy:BucketPolicy": typeof import("@pulumi/aws/s3/bucketPolicy").BucketPolicy;
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": typeof import("@pulumi/aws/s3/bucketPublicAccessBlock").BucketPublicAccessBlock;
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": typeof import("@pulumi/aws/s3/bucketReplicationConfig").BucketReplicationConfig;
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": typeof import("@pulumi/aws/s3/bucketServerSideEncryptionConfiguration").BucketServerSideEncryptionConfiguration;
    "aws:s3/bucketVersioning:BucketVersioning": typeof import("@pulumi/aws/s3/bucketVersioning").BucketVersioning;
    "aws:ssm/parameter:Parameter": typeof import("@pulumi/aws/ssm/parameter").Parameter;
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": typeof import("@pulumi/aws/vpc/securityGroupEgressRule").SecurityGroupEgressRule;
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": typeof import("@pulumi/aws/vpc/securityGroupIngressRule").SecurityGroupIngressRule;
    "random:index/randomId:RandomId": typeof import("@pulumi/random/randomId").RandomId;
    "random:index/randomPassword:RandomPassword": typeof import("@pulumi/random/randomPassword").RandomPassword;
    "tls:index/certRequest:CertRequest": typeof import("@pulumi/tls/certRequest").CertRequest;
    "tls:index/locallySignedCert:LocallySignedCert": typeof import("@pulumi/tls/locallySignedCert").LocallySignedCert;
    "tls:index/privateKey:PrivateKey": typeof import("@pulumi/tls/privateKey").PrivateKey;
    "tls:index/selfSignedCert:SelfSignedCert": typeof import("@pulumi/tls/selfSignedCert").SelfSignedCert;
    "command:local:Command": typeof import("@pulumi/command/local/command").Command;
    "command:remote:Command": typeof import("@pulumi/command/remote/command").Command;
}

export type SdkType = keyof SdkClasses;

/** What the program may give, as plain values. */
export type Args<Type extends SdkType> = Unwrap<NonNullable<ConstructorParameters<SdkClasses[Type]>[1]>>;

type GetParameters<Type extends SdkType> = Parameters<SdkClasses[Type]["get"]>;

/**
 * What the program may read: the type `…State`, the third of four parameters of `get`. The command provider has no such
 * type; there, what the resource shows stands for it.
 */
export type State<Type extends SdkType> = 4 extends GetParameters<Type>["length"]
    ? Unwrap<NonNullable<GetParameters<Type>[2]>>
    : Unwrap<Omit<InstanceType<SdkClasses[Type]>, keyof CustomResource>>;

/** Where a kind's inputs differ from the SDK's; never where they agree. */
export type InputDifferences<Type extends SdkType, Schema extends z.ZodObject> = ObjectDifferences<
    z.output<Schema>,
    Args<Type>,
    "inputs"
>;

/** Where a kind's outputs differ from the SDK's. A type that does not name them says nothing, and so differs. */
export type OutputDifferences<Type extends SdkType, Outputs> = Outputs extends object
    ? string extends keyof Outputs
        ? "outputs: their type does not name them"
        : ObjectDifferences<Outputs, Partial<State<Type>>, "outputs">
    : never;

/** Makes an argument an error of the compiler that names the differences, unless there are none. */
export type AsInTheSdk<Differences> = [Differences] extends [never]
    ? unknown
    : { differsFromTheSdk: Differences };

/** Paths at which the SDK has no such property, requires another one, or does not take the value. */
type ObjectDifferences<Given, Sdk, Path extends string> = [Sdk] extends [never]
    ? Path
    : | {
            [Key in keyof Given & string]-?: Key extends keyof Sdk
                ? ValueDifferences<Given[Key], NonNullable<Sdk[Key]>, `${Path}.${Key}`>
                : `${Path}.${Key}`;
        }[keyof Given & string]
      | `${Path}.${Exclude<RequiredKeys<Sdk>, keyof Given> & string} is missing`;

type ValueDifferences<Given, Sdk, Path extends string> =
    IsAny<Sdk> extends true
        ? never
        : Given extends null | undefined
          ? never
          : Given extends readonly (infer Item)[]
            ? ValueDifferences<Item, Extract<Sdk, readonly unknown[]>[number], `${Path}[]`>
            : Given extends object
              ? string extends keyof Given
                  ? ValueDifferences<Given[keyof Given], Extract<Sdk, object>[keyof Sdk], `${Path}.*`>
                  : ObjectDifferences<Given, Exclude<Extract<Sdk, object>, readonly unknown[]>, Path>
              : Given extends Sdk
                ? never
                : Path;

type IsAny<Value> = 0 extends 1 & Value ? true : false;

type RequiredKeys<Value> = {
    [Key in keyof Value]-?: object extends Pick<Value, Key> ? never : Key;
}[keyof Value];
