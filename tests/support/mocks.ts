import * as pulumi from "@pulumi/pulumi";

const secretMark = "4dabf18193072939515e22adb298388d";

/** A resource as the program asked for it. */
export interface Recorded {
    type: string;
    name: string;
    inputs: Record<string, unknown>;
    /** When the engine was asked for it, and when it was there: numbers that count both of all resources. */
    askedAt: number;
    madeAt: number;
}

/** True where an input reached the engine marked as secret. */
export function isSecret(input: unknown): input is { value: unknown } {
    return typeof input === "object" && input !== null && secretMark in input;
}

/** The plain value of an input, secret or not. */
export function reveal(input: unknown): unknown {
    return isSecret(input) ? input.value : input;
}

/** Outputs that components rely on, by type. Any other type is a surprise, and throws. */
const outputs: Record<string, (name: string, inputs: Record<string, unknown>) => Record<string, unknown>> = {
    "digitalocean:index/droplet:Droplet": (name) => ({
        ipv4Address: address(name),
        ipv4AddressPrivate: "10.0.0.2",
    }),
    "digitalocean:index/volume:Volume": () => ({}),
    "digitalocean:index/vpc:Vpc": () => ({}),
    "digitalocean:index/tag:Tag": () => ({}),
    "digitalocean:index/sshKey:SshKey": () => ({ fingerprint: "aa:bb" }),
    "digitalocean:index/firewall:Firewall": () => ({}),
    "digitalocean:index/reservedIp:ReservedIp": (name) => ({ ipAddress: address(name) }),
    "digitalocean:index/reservedIpAssignment:ReservedIpAssignment": () => ({}),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": () => ({}),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": () => ({}),
    "cloudflare:index/loadBalancer:LoadBalancer": () => ({}),
    "cloudflare:index/dnsRecord:DnsRecord": () => ({}),
    "command:remote:Command": () => ({ stdout: "", stderr: "" }),
    "random:index/randomPassword:RandomPassword": (name) => ({ result: `password of ${name}` }),
    // Others for other keepers.
    "random:index/randomId:RandomId": (_name, { keepers }) => ({
        hex: JSON.stringify(keepers)
            .replace(/[^0-9a-f]/g, "")
            .slice(-12),
    }),
    "tls:index/privateKey:PrivateKey": (name) => ({
        privateKeyPem: `private PEM of ${name}`,
        privateKeyOpenssh: `private key of ${name}\n`,
        publicKeyOpenssh: `${publicKey(name)}\n`,
    }),
    "aws:s3/bucket:Bucket": (_name, { bucket }) => ({ arn: `arn:aws:s3:::${String(bucket)}` }),
    "aws:s3/bucketObjectv2:BucketObjectv2": () => ({}),
    "aws:s3/bucketVersioning:BucketVersioning": () => ({}),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": () => ({}),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": () => ({}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": () => ({}),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": () => ({}),
    "aws:s3/bucketPolicy:BucketPolicy": () => ({}),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": () => ({}),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": () => ({}),
    "aws:iam/user:User": () => ({}),
    "aws:iam/userPolicy:UserPolicy": () => ({}),
    "aws:iam/accessKey:AccessKey": (name) => ({ secret: `secret of ${name}` }),
    "aws:iam/role:Role": (_name, { name }) => ({ arn: `arn:aws:iam::123456789012:role/${String(name)}` }),
    "aws:iam/rolePolicy:RolePolicy": () => ({}),
    "aws:iam/instanceProfile:InstanceProfile": (_name, { name }) => ({
        arn: `arn:aws:iam::123456789012:instance-profile/${String(name)}`,
    }),
    "pulumi:providers:aws": () => ({}),
    "aws:ec2/vpc:Vpc": () => ({}),
    "aws:ec2/subnet:Subnet": () => ({}),
    "aws:ec2/internetGateway:InternetGateway": () => ({}),
    "aws:ec2/routeTable:RouteTable": () => ({}),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": () => ({}),
    "aws:ec2/securityGroup:SecurityGroup": () => ({}),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": () => ({}),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": () => ({}),
    "aws:ec2/eip:Eip": (name) => ({ publicIp: address(name), allocationId: `eipalloc-${name}` }),
    "aws:ec2/launchTemplate:LaunchTemplate": () => ({ latestVersion: 1 }),
    "aws:autoscaling/group:Group": (_name, { name }) => ({ arn: `arn:aws:autoscaling:::${String(name)}` }),
    "aws:autoscaling/policy:Policy": () => ({}),
    "aws:lb/loadBalancer:LoadBalancer": (_name, { name }) => ({ arn: `arn:aws:lb:::${String(name)}` }),
    "aws:lb/targetGroup:TargetGroup": (_name, { name }) => ({ arn: `arn:aws:lb:::${String(name)}` }),
    "aws:lb/listener:Listener": () => ({}),
    "aws:ssm/parameter:Parameter": (_name, { name }) => ({ arn: `arn:aws:ssm:::${String(name)}` }),
    "aws:budgets/budget:Budget": () => ({}),
    "command:local:Command": () => ({ stdout: "", stderr: "" }),
    "tls:index/selfSignedCert:SelfSignedCert": (name) => ({ certPem: `certificate ${name}` }),
    "tls:index/certRequest:CertRequest": (name) => ({ certRequestPem: `request ${name}` }),
    "tls:index/locallySignedCert:LocallySignedCert": (name) => ({ certPem: `certificate ${name}` }),
};

/** A public key that names whose it is: as long as a real one. */
export function publicKey(name: string): string {
    return `ssh-ed25519 ${Buffer.from(name.padEnd(51)).toString("base64")}`;
}

/** A different documentation address for every name. */
function address(name: string): string {
    const sum = [...name].reduce((hash, character) => (hash * 31 + character.charCodeAt(0)) % 65_536, 7);
    return `198.18.${sum >> 8}.${sum & 255}`;
}

/** Droplets that DigitalOcean tells of, as the provider's look-up answers them; or why it does not. */
export type FoundDroplets = Record<string, unknown>[] | Error;

/** Inputs that resources of the state keep, by name: what the engine has been told to ignore. */
export type Kept = Record<string, Record<string, unknown>>;

/** As long as nothing else of the program takes: what does not wait for a machine goes before it. */
const machineMs = 20;

/**
 * Builds with mocks instead of an engine, and returns every resource asked for, components included.
 *
 * @param previous outputs of the `up` before; empty before the first.
 */
export async function record(
    build: () => unknown,
    stack = "test",
    found: FoundDroplets = [],
    kept: Kept = {},
    previous: Record<string, unknown> = { machines: {} },
): Promise<Recorded[]> {
    const recorded: Recorded[] = [];
    let clock = 0;
    await pulumi.runtime.setMocks(
        {
            async newResource({ type, name, inputs, custom }) {
                const known = inputs as Record<string, unknown>;
                const resource: Recorded = { type, name, inputs: known, askedAt: clock++, madeAt: 0 };
                recorded.push(resource);
                const id = String(1000 + recorded.length);
                if (type === "command:remote:Command") {
                    await new Promise((resolve) => setTimeout(resolve, machineMs));
                }
                resource.madeAt = clock++;
                if (custom === false || type.startsWith("aerial:")) {
                    return { id: undefined, state: known };
                }
                const output = outputs[type];
                if (!output) {
                    throw new Error(`no mock for ${type} (${name})`);
                }
                const plain = Object.fromEntries(
                    Object.entries(known).map(([key, value]) => [key, reveal(value)]),
                );
                return { id, state: { ...plain, ...kept[name], ...output(name, plain) } };
            },
            call({ token }) {
                if (token === "aws:ssm/getParameter:getParameter") {
                    return { value: "ami-0123456789abcdef0" };
                }
                if (token === "digitalocean:index/getDroplets:getDroplets") {
                    if (found instanceof Error) {
                        // Where a call over the network has the engine's words.
                        throw Object.assign(found, { details: found.message });
                    }
                    return { id: "droplets", droplets: found };
                }
                if (token === "pulumi:pulumi:readStackOutputs") {
                    return { outputs: previous };
                }
                throw new Error(`no mock for the call ${token}`);
            },
        },
        "aerial",
        stack,
        undefined,
        "organization",
    );
    await build();
    await pulumi.runtime.disconnect();
    return recorded;
}
