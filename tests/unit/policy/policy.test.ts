import { readGolden, type DumpedResource } from "../../../tools/policy/golden";
import * as rules from "./rules";

/* Each rule holds for the stacks as they are committed, and is shown to fail where one thing is changed for the worse. */

const stacks = ["prod", "preprod"] as const;

/** What a change for the worse does to one resource. */
interface Worse {
    what: string;
    /** Type, as it ends, and name of the resource. */
    at: [string, string];
    change?: (inputs: Inputs, resource: DumpedResource) => void;
    /** The resource is gone instead. */
    without?: true;
    /** What the rule says then. */
    says: RegExp;
}

// What stands in a dump is JSON: a broken example reaches into it without asking.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Inputs = any;

/** Each rule with the ways in which it can be broken; `only` where a stack is another one on purpose. */
const cases: Record<keyof typeof rules, { only?: "prod"; worse: Worse[] }> = {
    noSshFromEverywhere: {
        worse: [
            {
                what: "SSH from the whole internet",
                at: ["Firewall", "master-a-firewall"],
                change: ({ inboundRules }) => {
                    inboundRules.push({ protocol: "tcp", portRange: "22", sourceAddresses: ["0.0.0.0/0"] });
                },
                says: /^master-a-firewall: SSH is open to 0\.0\.0\.0\/0$/,
            },
            {
                what: "a range of ports with SSH in it, from half of the internet",
                at: ["Firewall", "relay-ams3-firewall"],
                change: ({ inboundRules }) => {
                    inboundRules.push({
                        protocol: "tcp",
                        portRange: "1-65535",
                        sourceAddresses: ["128.0.0.0/1"],
                    });
                },
                says: /relay-ams3-firewall: SSH is open to 128/,
            },
            {
                what: "the first contact from all of IPv6",
                at: ["Firewall", "airtime-firewall"],
                change: ({ inboundRules }) => {
                    inboundRules.push({ protocol: "tcp", portRange: "2222", sourceAddresses: ["::/0"] });
                },
                says: /airtime-firewall: SSH is open to ::\/0/,
            },
            {
                what: "every port of an instance",
                at: ["SecurityGroupIngressRule", "canary-in-443"],
                change: (inputs) => {
                    inputs.ipProtocol = "-1";
                },
                says: /canary-in-443: SSH is open/,
            },
            {
                what: "rules within a security group",
                at: ["SecurityGroup", "canary-security"],
                change: (inputs) => {
                    inputs.ingress = [];
                },
                says: /canary-security: its rules stand within it/,
            },
        ],
    },
    everyMachineIsBehindAFirewall: {
        worse: [
            {
                what: "a droplet without tags",
                at: ["Droplet", "relay-nyc3-1"],
                change: (inputs) => {
                    inputs.tags = [];
                },
                says: /relay-nyc3-1: it has no tag/,
            },
            {
                what: "a firewall that is gone",
                at: ["Firewall", "master-b-firewall"],
                without: true,
                says: /master-b: no firewall/,
            },
            {
                what: "instances without a security group",
                at: ["LaunchTemplate", "canary-template"],
                change: (inputs) => {
                    delete inputs.vpcSecurityGroupIds;
                },
                says: /canary-template: it has no security group/,
            },
        ],
    },
    noSecretInPlainInputs: {
        worse: [
            {
                what: "user data in clear",
                at: ["Droplet", "master-a"],
                change: (inputs) => {
                    inputs.userData = "#cloud-config";
                },
                says: /master-a: userData is not secret/,
            },
            {
                what: "a delivery in clear",
                at: ["remote:Command", "master-a-delivery"],
                change: (inputs) => {
                    inputs.stdin = "[packed]";
                },
                says: /master-a-delivery: stdin is not secret/,
            },
            {
                what: "a value under a name of secrets",
                at: ["local:Command", "canary-ready"],
                change: ({ environment }) => {
                    environment.LINK_PASSWORD = "tuesday";
                },
                says: /canary-ready: environment\.LINK_PASSWORD/,
            },
            {
                what: "a password in a harmless place",
                at: ["local:Command", "canary-ready"],
                change: ({ triggers }) => {
                    triggers.push("relay-1:gI0cXq7kWz3TnB5vLs9RuA2d");
                },
                says: /canary-ready: triggers\.\d has a secret in clear/,
            },
            {
                what: "a password in a URL",
                at: ["local:Command", "canary-ready"],
                change: (inputs) => {
                    inputs.create = "curl http://relay:tuesday@master-a:8000/main";
                },
                says: /canary-ready: create/,
            },
            {
                what: "a private key where a certificate is meant",
                at: ["LocallySignedCert", "master-a-link-certificate-1"],
                change: (inputs) => {
                    inputs.caCertPem = "[private key]";
                },
                says: /master-a-link-certificate-1: caCertPem/,
            },
        ],
    },
    nothingIsProxied: {
        worse: [
            {
                what: "a proxied balanced name",
                at: ["LoadBalancer", "names-stream"],
                change: (inputs) => {
                    inputs.proxied = true;
                },
                says: /names-stream: stream\./,
            },
            {
                what: "a record that leaves it to Cloudflare",
                at: ["DnsRecord", "names-ams3-relay-ams3-1"],
                change: (inputs) => {
                    delete inputs.proxied;
                },
                says: /names-ams3-relay-ams3-1: ams3\.stream\./,
            },
        ],
    },
    everyPoolIsInEveryOrder: {
        worse: [
            {
                what: "a region that does not fall over to the canary",
                at: ["LoadBalancer", "names-stream"],
                change: ({ regionPools }) => {
                    regionPools.OC.pop();
                },
                says: /names-stream: the order of OC/,
            },
            {
                what: "a region without an order",
                at: ["LoadBalancer", "names-stream"],
                change: ({ regionPools }) => {
                    delete regionPools.SSAM;
                },
                says: /names-stream: SSAM has no order/,
            },
            {
                what: "a Master that no encoder reaches",
                at: ["LoadBalancer", "names-ingest"],
                change: ({ defaultPools }) => {
                    defaultPools.pop();
                },
                says: /names-ingest: the order of default/,
            },
            {
                what: "a pool with the check of nothing",
                at: ["LoadBalancerMonitor", "names-stream-check"],
                without: true,
                says: /its check belongs to no balanced name/,
            },
        ],
    },
    theCanaryIsWithinItsBudget: {
        worse: [
            {
                what: "a group as large as the account",
                at: ["autoscaling/group:Group", "canary-group"],
                change: (inputs) => {
                    inputs.maxSize = 500;
                },
                says: /canary-group: a month with one day of all instances costs \$\d+, the budget is/,
            },
            {
                what: "a budget of a few dollars",
                at: ["Budget", "canary-budget"],
                change: (inputs) => {
                    inputs.limitAmount = "5";
                },
                says: /the budget is \$5/,
            },
            {
                what: "a budget that tells nobody",
                at: ["Budget", "canary-budget"],
                change: (inputs) => {
                    inputs.notifications = [];
                },
                says: /its budget tells nobody/,
            },
            {
                what: "no budget",
                at: ["Budget", "canary-budget"],
                without: true,
                says: /canary-group: it has no budget/,
            },
        ],
    },
    everyBucketIsVersionedAndClosed: {
        worse: [
            {
                what: "suspended versions",
                at: ["BucketVersioning", "backup-shows-versions"],
                change: ({ versioningConfiguration }) => {
                    versioningConfiguration.status = "Suspended";
                },
                says: /backup-shows: it keeps no versions/,
            },
            {
                what: "an open bucket",
                at: ["BucketPublicAccessBlock", "backup-archive-closed"],
                change: (inputs) => {
                    inputs.blockPublicPolicy = false;
                },
                says: /backup-archive: it is not closed/,
            },
            {
                what: "a bucket without encryption",
                at: ["BucketServerSideEncryptionConfiguration", "canary-artefacts-encryption"],
                without: true,
                says: /canary-artefacts: it is not encrypted/,
            },
        ],
    },
    everyBucketOfDataIsLocked: {
        worse: [
            {
                what: "no retention",
                at: ["BucketObjectLockConfiguration", "backup-shows-lock"],
                change: (inputs) => {
                    delete inputs.rule;
                },
                says: /backup-shows: its objects are not locked/,
            },
            {
                what: "a bucket that cannot be locked",
                at: ["s3/bucket:Bucket", "backup-archive"],
                change: (inputs) => {
                    delete inputs.objectLockEnabled;
                },
                says: /backup-archive: its objects are not locked/,
            },
            {
                what: "artefacts that may not be lost any more",
                at: ["s3/bucket:Bucket", "canary-artefacts"],
                change: (inputs) => {
                    delete inputs.forceDestroy;
                },
                says: /canary-artefacts: its objects are not locked/,
            },
        ],
    },
    everyBucketOfDataIsProtected: {
        // Preproduction has nobody's shows, and is taken down when it is not wanted (`backup.protect: false`).
        only: "prod",
        worse: [
            {
                what: "a lock that can be deleted",
                at: ["BucketObjectLockConfiguration", "backup-shows-lock"],
                change: (_, resource) => {
                    delete resource.protect;
                },
                says: /backup-shows-lock: it is not protected/,
            },
            {
                what: "a volume that can be deleted",
                at: ["Volume", "airtime-volume"],
                change: (_, resource) => {
                    delete resource.protect;
                },
                says: /airtime-volume: it is not protected/,
            },
        ],
    },
    instancesAnswerTheirMetadataByTokenOnly: {
        worse: [
            {
                what: "metadata without a token",
                at: ["LaunchTemplate", "canary-template"],
                change: ({ metadataOptions }) => {
                    metadataOptions.httpTokens = "optional";
                },
                says: /canary-template/,
            },
            {
                what: "metadata over two hops",
                at: ["LaunchTemplate", "canary-template"],
                change: ({ metadataOptions }) => {
                    metadataOptions.httpPutResponseHopLimit = 2;
                },
                says: /canary-template/,
            },
            {
                what: "metadata as Amazon has it by default",
                at: ["LaunchTemplate", "canary-template"],
                change: (inputs) => {
                    delete inputs.metadataOptions;
                },
                says: /canary-template/,
            },
        ],
    },
    namesMoveWithinAMinute: {
        worse: [
            {
                what: "a balanced name that is kept for five minutes",
                at: ["LoadBalancer", "names-ingest"],
                change: (inputs) => {
                    inputs.ttl = 300;
                },
                says: /names-ingest: its TTL is 300/,
            },
            {
                what: "a record whose TTL Cloudflare chooses",
                at: ["DnsRecord", "names-ams3-relay-ams3-1"],
                change: (inputs) => {
                    inputs.ttl = 1;
                },
                says: /names-ams3-relay-ams3-1: its TTL is 1/,
            },
        ],
    },
};

/** A dump with one thing changed for the worse. */
function broken(
    dump: readonly DumpedResource[],
    { at: [type, name], change, without }: Worse,
): DumpedResource[] {
    const copy = structuredClone(dump) as DumpedResource[];
    const found = copy.filter((resource) => resource.type.endsWith(type) && resource.name === name);
    expect(found).toHaveLength(1);
    found.forEach((resource) => change?.(resource.inputs, resource));
    return without === true ? copy.filter((resource) => !found.includes(resource)) : copy;
}

describe.each(Object.entries(cases))("the rule %s", (rule, { only, worse }) => {
    const findings = rules[rule as keyof typeof rules];

    test.each(stacks.filter((stack) => (only ?? stack) === stack))("holds for %s", (stack) => {
        expect(findings(readGolden(stack))).toEqual([]);
    });

    test.each(worse)("finds $what", (example) => {
        const found = findings(broken(readGolden("prod"), example));
        expect(found).toContainEqual(expect.stringMatching(example.says));
    });
});
