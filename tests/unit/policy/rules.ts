import { isIP } from "node:net";

import { fixedUsdPerDay } from "../../../model/canaryCosts";
import { enrolPort } from "../../../components/machine/base";
import { steeringRegions } from "../../../model/steeringRegions";
import type { DumpedResource } from "../../../tools/policy/golden";

/* Rules over a golden dump. Each returns what breaks it, one line a resource that begins with its name. */

type Rule = (dump: readonly DumpedResource[]) => string[];

/** The ports by which somebody gets a shell, or a machine its host key. */
const shellPorts = [22, enrolPort];

/** Ranges that hold more addresses than this many leading bits leave are everywhere, also a half of the internet. */
const leastPrefix = { 4: 8, 6: 16 };

export const noSshFromEverywhere: Rule = (dump) => [
    ...of(dump, "digitalocean:index/firewall:Firewall").flatMap(({ name, inputs }) =>
        list(inputs.inboundRules)
            .filter(({ protocol, portRange }) => protocol !== "icmp" && opensShell(portsOf(portRange)))
            .flatMap(({ sourceAddresses }) => texts(sourceAddresses).filter(isEverywhere))
            .map((range) => `${name}: SSH is open to ${range}`),
    ),
    ...of(dump, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        .filter(({ inputs }) =>
            inputs.ipProtocol === "-1" ? true : opensShell([Number(inputs.fromPort), Number(inputs.toPort)]),
        )
        .flatMap(({ name, inputs }) =>
            texts([inputs.cidrIpv4, inputs.cidrIpv6])
                .filter(isEverywhere)
                .map((range) => `${name}: SSH is open to ${range}`),
        ),
    // Rules within the group itself would not be seen above: there are none.
    ...of(dump, "aws:ec2/securityGroup:SecurityGroup")
        .filter(({ inputs }) => inputs.ingress !== undefined)
        .map(({ name }) => `${name}: its rules stand within it, where no rule here looks`),
];

export const everyMachineIsBehindAFirewall: Rule = (dump) => {
    const firewalls = of(dump, "digitalocean:index/firewall:Firewall");
    const guarded = new Set(firewalls.flatMap(({ inputs }) => texts(inputs.tags)));
    return [
        ...of(dump, "digitalocean:index/droplet:Droplet").flatMap(({ name, inputs }) => {
            const tags = texts(inputs.tags);
            return [
                ...(tags.length === 0 ? [`${name}: it has no tag`] : []),
                ...(tags.some((tag) => guarded.has(tag)) ? [] : [`${name}: no firewall has one of its tags`]),
            ];
        }),
        ...of(dump, "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance")
            .filter(({ inputs }) => texts(inputs.vpcSecurityGroupIds).length === 0)
            .map(({ name }) => `${name}: it has no security group`),
    ];
};

/** Inputs that are secret whatever they hold, by type. */
const alwaysSecret: Readonly<Record<string, readonly string[]>> = {
    "digitalocean:index/droplet:Droplet": ["userData"],
    "command:remote:Command": ["connection", "stdin", "environment"],
    "tls:index/selfSignedCert:SelfSignedCert": ["privateKeyPem"],
    "tls:index/locallySignedCert:LocallySignedCert": ["caPrivateKeyPem"],
    "tls:index/certRequest:CertRequest": ["privateKeyPem"],
    "aws:ssm/parameter:Parameter": ["value"],
};

const secretName = /passw|passphrase|secret|token|private_?key|credential/i;

/** Names that are like those of secrets, and mean none: Amazon's word for how its metadata is asked. */
const harmlessName = /^httpTokens$/;

/** A text that a machine made at random, such as a password, by its letters; long names of ours have no digits between. */
const randomText = /(?<![\w/+-])(?=[\w+/]*[a-z])(?=[\w+/]*[A-Z])(?=[\w+/]*\d)[\w+/]{20,}={0,2}(?![\w/+-])/;

/** Texts that give a secret away by what they look like: keys at Amazon, DigitalOcean and Cloudflare, and in URLs. */
const secretText = /\[private key\]|\bAKIA[0-9A-Z]{16}\b|\bdop_v1_[0-9a-f]{64}\b|:\/\/[^/\s:@]+:[^/\s@]+@/;

export const noSecretInPlainInputs: Rule = (dump) =>
    dump.flatMap((resource) => [
        ...(alwaysSecret[resource.type] ?? [])
            .filter((key) => (resource.inputs[key] ?? "[secret]") !== "[secret]")
            .map((key) => `${resource.name}: ${key} is not secret`),
        ...leaves(resource.inputs)
            .filter(({ key, value }) => {
                const named = secretName.test(key) && !harmlessName.test(key) && value !== "[secret]";
                return named || secretText.test(value) || randomText.test(value);
            })
            .map(({ path }) => `${resource.name}: ${path} has a secret in clear`),
    ]);

/** Cloudflare's proxy would count a listener's hours as traffic, and its terms do not allow streams. */
export const nothingIsProxied: Rule = (dump) =>
    of(dump, "cloudflare:index/loadBalancer:LoadBalancer", "cloudflare:index/dnsRecord:DnsRecord")
        .filter(({ inputs }) => inputs.proxied !== false)
        .map(({ name, inputs }) => `${name}: ${String(inputs.name)} is not said to be without proxy`);

export const everyPoolIsInEveryOrder: Rule = (dump) => {
    const monitors = new Map(
        of(dump, "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor").map(({ name, inputs }) => [
            `[${name}]`,
            texts((inputs.header as { Host?: unknown } | undefined)?.Host)[0],
        ]),
    );
    const pools = of(dump, "cloudflare:index/loadBalancerPool:LoadBalancerPool").map(({ name, inputs }) => ({
        pool: `[${name}]`,
        host: monitors.get(String(inputs.monitor)),
    }));
    const balancers = of(dump, "cloudflare:index/loadBalancer:LoadBalancer");
    const hosts = balancers.map(({ inputs }) => inputs.name);
    return [
        ...pools
            .filter(({ host }) => !hosts.includes(host))
            .map(({ pool }) => `${pool}: its check belongs to no balanced name`),
        ...balancers.flatMap(({ name, inputs }) => {
            const wanted = pools
                .filter(({ host }) => host === inputs.name)
                .map(({ pool }) => pool)
                .sort();
            const regional = (inputs.regionPools ?? {}) as Record<string, unknown>;
            const orders = { ...regional, default: inputs.defaultPools };
            const missing = steeringRegions.filter((region) => regional[region] === undefined);
            return [
                ...(inputs.regionPools !== undefined && missing.length > 0
                    ? [`${name}: ${missing.join(", ")} has no order`]
                    : []),
                ...Object.entries(orders)
                    .filter(([, order]) => texts(order).sort().join() !== wanted.join())
                    .map(([region]) => `${name}: the order of ${region} is not of all pools, each once`),
            ];
        }),
    ];
};

/**
 * The canary at rest for a month, and one day with every instance, cost no more than its budget. Listeners' traffic comes
 * on top: it is what the budget's mail is about.
 */
export const theCanaryIsWithinItsBudget: Rule = (dump) => {
    const budgets = of(dump, "aws:budgets/budget:Budget");
    return of(dump, "aws:autoscaling/group:Group").flatMap(({ name, parent, inputs }) => {
        const budget = budgets.find((one) => one.parent === parent);
        const template = of(dump, "aws:ec2/launchTemplate:LaunchTemplate").find(
            (one) => `[${one.name}]` === (inputs.launchTemplate as { id?: unknown }).id,
        );
        if (budget === undefined || template === undefined) {
            return [`${name}: it has no ${budget === undefined ? "budget" : "launch template"}`];
        }
        if (
            list(budget.inputs.notifications).every((one) => texts(one.subscriberEmailAddresses).length === 0)
        ) {
            return [`${name}: its budget tells nobody`];
        }
        const kind = {
            instanceType: String(template.inputs.instanceType),
            zones: texts(inputs.vpcZoneIdentifiers),
        };
        const price = (instances: unknown): number =>
            fixedUsdPerDay(kind, String(inputs.region), Number(instances));
        const usd = (365 / 12 - 1) * price(inputs.minSize) + price(inputs.maxSize);
        const limit = Number(budget.inputs.limitAmount);
        return usd <= limit
            ? []
            : [
                  `${name}: a month with one day of all instances costs $${Math.ceil(usd)}, the budget is $${limit}`,
              ];
    });
};

/** What is set on a bucket, by the type of the setting. */
const bucketSettings: readonly [string, (inputs: Record<string, unknown>) => boolean, string][] = [
    [
        "aws:s3/bucketVersioning:BucketVersioning",
        ({ versioningConfiguration: set }) => (set as { status?: unknown } | undefined)?.status === "Enabled",
        "keeps no versions",
    ],
    [
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        (inputs) =>
            ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].every(
                (key) => inputs[key] === true,
            ),
        "is not closed to the public",
    ],
    [
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        ({ rules }) => list(rules).length > 0,
        "is not encrypted",
    ],
];

export const everyBucketIsVersionedAndClosed: Rule = (dump) =>
    of(dump, "aws:s3/bucket:Bucket").flatMap(({ name, inputs: { bucket } }) =>
        bucketSettings
            .filter(
                ([type, isSet]) =>
                    !of(dump, type).some(({ inputs }) => inputs.bucket === bucket && isSet(inputs)),
            )
            .map(([, , broken]) => `${name}: it ${broken}`),
    );

/** All but the artefacts, which are made from the code: `forceDestroy` says of a bucket that it may be lost. */
const bucketsOfData = (dump: readonly DumpedResource[]): DumpedResource[] =>
    of(dump, "aws:s3/bucket:Bucket").filter(
        ({ name, inputs }) => !(name === "canary-artefacts" && inputs.forceDestroy === true),
    );

export const everyBucketOfDataIsLocked: Rule = (dump) =>
    bucketsOfData(dump)
        .filter(({ inputs }) => {
            const lock = of(dump, "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration").find(
                (one) => one.inputs.bucket === inputs.bucket,
            );
            const rule = lock?.inputs.rule as { defaultRetention?: { days?: unknown } } | undefined;
            return inputs.objectLockEnabled !== true || !(Number(rule?.defaultRetention?.days) > 0);
        })
        .map(({ name }) => `${name}: its objects are not locked`);

/** A bucket, with all that is set on it: without its parent's protection a `destroy` would leave it open. */
export const everyBucketOfDataIsProtected: Rule = (dump) => {
    const names = new Set(bucketsOfData(dump).map(({ inputs }) => inputs.bucket));
    const parts = dump.filter(({ type, inputs }) => type.startsWith("aws:s3/") && names.has(inputs.bucket));
    const volumes = of(dump, "digitalocean:index/volume:Volume");
    return [...parts, ...volumes]
        .filter(({ protect }) => protect !== true)
        .map(({ name }) => `${name}: it is not protected`);
};

export const instancesAnswerTheirMetadataByTokenOnly: Rule = (dump) =>
    of(dump, "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance")
        .filter(({ inputs }) => {
            const options = (inputs.metadataOptions ?? {}) as Record<string, unknown>;
            return options.httpTokens !== "required" || options.httpPutResponseHopLimit !== 1;
        })
        .map(({ name }) => `${name}: its metadata is not by token over one hop`);

/** How long an answer may be kept of a name that moves: a listener comes back within it. */
const longestTtlSeconds = 60;

export const namesMoveWithinAMinute: Rule = (dump) =>
    of(dump, "cloudflare:index/loadBalancer:LoadBalancer", "cloudflare:index/dnsRecord:DnsRecord")
        // To Cloudflare 1 means that it chooses: 300 s.
        .filter(({ inputs: { ttl } }) => !(Number(ttl) > 1 && Number(ttl) <= longestTtlSeconds))
        .map(({ name, inputs }) => `${name}: its TTL is ${String(inputs.ttl)}`);

function of(dump: readonly DumpedResource[], ...types: string[]): DumpedResource[] {
    return dump.filter(({ type }) => types.includes(type));
}

function list(value: unknown): Record<string, unknown>[] {
    return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

function texts(value: unknown): string[] {
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** `22`, `8000-9000`, or all ports where there is none. */
function portsOf(range: unknown): [number, number] {
    const [first = "1", last = first] = typeof range === "string" ? range.split("-") : ["1", "65535"];
    return /^(all|0)$/.test(first) ? [1, 65535] : [Number(first), Number(last)];
}

function opensShell([first = 0, last = 0]: readonly number[]): boolean {
    return shellPorts.some((port) => first <= port && port <= last);
}

/** A range so wide that it is no place of ours. What is not a range (`[master-a]/32`) is an address of the station. */
function isEverywhere(range: string): boolean {
    const [address = "", prefix] = range.split("/");
    const version = isIP(address);
    return version !== 0 && prefix !== undefined && Number(prefix) < leastPrefix[version as 4 | 6];
}

/** Every text within a value, with the key under which it stands. */
function leaves(value: unknown, path = ""): { path: string; key: string; value: string }[] {
    if (typeof value === "string") {
        const key = path.split(".").findLast((part) => !/^\d+$/.test(part)) ?? "";
        return [{ path, key, value }];
    }
    return typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`))
        : [];
}
