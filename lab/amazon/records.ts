import { z } from "zod";

import { Records } from "../cloud/records";

/*
 * What the lab's Amazon holds. Of groups and balancers, what the program wants is written by the provider, and what
 * becomes of it by the daemon (daemon/): both change a record only within `exclusively`, and read it again there.
 */

/** What `Records` hold. */
type In<Kept> = Kept extends Records<infer Record> ? Record : never;

/** Where a record comes from: the URN in the stack, and the region it is in; IAM and S3's names have none. */
const stack = { urn: z.string() };
const origin = { ...stack, region: z.string() };
const tags = z.record(z.string(), z.string());

/* Networks. */

export const vpcs = new Records("aws-vpc", z.object({ ...origin, id: z.string(), cidr: z.string() }));

export const subnets = new Records(
    "aws-subnet",
    z.object({
        ...{ ...origin, id: z.string(), vpcId: z.string(), zone: z.string(), cidr: z.string() },
        mapPublicIp: z.boolean(),
    }),
);
export type SubnetRecord = In<typeof subnets>;

export const gateways = new Records(
    "aws-internet-gateway",
    z.object({ ...origin, id: z.string(), vpcId: z.string().optional() }),
);

export const routeTables = new Records(
    "aws-route-table",
    z.object({
        ...{ ...origin, id: z.string(), vpcId: z.string() },
        routes: z.array(z.object({ cidr: z.string(), gatewayId: z.string() })),
    }),
);

export const associations = new Records(
    "aws-route-table-association",
    z.object({ ...origin, id: z.string(), routeTableId: z.string(), subnetId: z.string() }),
);

export const securityGroups = new Records(
    "aws-security-group",
    z.object({ ...origin, id: z.string(), vpcId: z.string(), name: z.string() }),
);

export const securityRules = new Records(
    "aws-security-group-rule",
    z.object({
        ...{ ...origin, id: z.string(), groupId: z.string() },
        direction: z.enum(["ingress", "egress"]),
        protocol: z.enum(["tcp", "udp", "icmp", "-1"]),
        /** -1 for all, as the API has it. */
        fromPort: z.int(),
        toPort: z.int(),
        /** Either a range, IPv6 perhaps, or the instances of a group. */
        cidr: z.string().optional(),
        peerGroupId: z.string().optional(),
    }),
);
export type SecurityRuleRecord = In<typeof securityRules>;

export const eips = new Records("aws-eip", z.object({ ...origin, id: z.string(), address: z.string() }));

/* Instances and their groups. */

export const templates = new Records(
    "aws-launch-template",
    z.object({
        ...{ ...origin, id: z.string(), name: z.string(), defaultVersion: z.int() },
        versions: z.array(
            z.object({
                ...{ number: z.int(), imageId: z.string(), instanceType: z.string() },
                /** In base64, as given; instances may read it, so it holds no secret. */
                userData: z.string(),
                securityGroupIds: z.array(z.string()),
                /** Name of an instance profile. */
                profile: z.string().optional(),
                metadataHops: z.int(),
                /** Of instances. */
                tags,
            }),
        ),
    }),
);
export type TemplateRecord = In<typeof templates>;
export type TemplateVersion = TemplateRecord["versions"][number];

/** By name. */
export const groups = new Records(
    "aws-group",
    z.object({
        ...{ ...origin, name: z.string(), arn: z.string() },
        ...{ min: z.int(), max: z.int(), desired: z.int() },
        templateId: z.string(),
        /** A number, `$Latest` or `$Default`. */
        templateVersion: z.string(),
        subnetIds: z.array(z.string()),
        targetGroupArns: z.array(z.string()),
        healthCheckType: z.enum(["EC2", "ELB"]),
        graceSeconds: z.int(),
        cooldownSeconds: z.int(),
        warmupSeconds: z.int().optional(),
        hooks: z.array(
            z.object({
                name: z.string(),
                heartbeatSeconds: z.int(),
                defaultResult: z.enum(["ABANDON", "CONTINUE"]),
            }),
        ),
        /** Those that instances get. */
        tags,
        /** All instances are to go, and then the group. */
        deleting: z.boolean(),
        /** Failed launches without a good one in between, and when the last was: each retry waits longer. */
        failures: z.int(),
        failedAt: z.number(),
        createdAt: z.number(),
    }),
);
export type GroupRecord = In<typeof groups>;

export const instances = new Records(
    "aws-instance",
    z.object({
        ...{ ...origin, id: z.string(), group: z.string(), name: z.string() },
        ...{ zone: z.string(), subnetId: z.string(), address: z.string(), privateAddress: z.string() },
        templateId: z.string(),
        /** A number by now. */
        templateVersion: z.int(),
        lifecycle: z.enum(["Pending", "Pending:Wait", "InService", "Terminating"]),
        /** Whether its machine has been made. */
        booted: z.boolean(),
        launchedAt: z.number(),
        hook: z
            .object({
                name: z.string(),
                deadline: z.number(),
                /** The answer that has come. */
                result: z.enum(["ABANDON", "CONTINUE"]).optional(),
            })
            .optional(),
        inServiceAt: z.number().optional(),
        terminatingAt: z.number().optional(),
        /** Why it terminates, as the group's activities say it. */
        reason: z.string().optional(),
        /** Whether its launch failed, rather than that it is wanted no more. */
        failed: z.boolean().optional(),
    }),
);
export type InstanceRecord = In<typeof instances>;

export const activities = new Records(
    "aws-activity",
    z.object({
        ...{ id: z.string(), group: z.string(), description: z.string(), cause: z.string() },
        status: z.enum(["InProgress", "Successful", "Failed"]),
        message: z.string().optional(),
        startedAt: z.number(),
        endedAt: z.number().optional(),
    }),
);

export const refreshes = new Records(
    "aws-refresh",
    z.object({
        ...{ id: z.string(), group: z.string() },
        status: z.enum(["InProgress", "Successful", "Failed", "Cancelled"]),
        reason: z.string().optional(),
        templateId: z.string(),
        templateVersion: z.int(),
        minHealthyPercentage: z.int(),
        warmupSeconds: z.int(),
        startedAt: z.number(),
        endedAt: z.number().optional(),
        percentage: z.int(),
        toUpdate: z.int(),
    }),
);
export type RefreshRecord = In<typeof refreshes>;

/** By `<group> <name>`. */
export const policies = new Records(
    "aws-scaling-policy",
    z.object({
        ...{ ...origin, arn: z.string(), name: z.string(), group: z.string() },
        targetBytes: z.number(),
        warmupSeconds: z.int().optional(),
    }),
);
export type PolicyRecord = In<typeof policies>;

/* Balancers, by ARN. */

export const loadBalancers = new Records(
    "aws-load-balancer",
    z.object({
        ...{ ...origin, arn: z.string(), name: z.string(), vpcId: z.string(), dnsName: z.string() },
        crossZone: z.boolean(),
        securityGroupIds: z.array(z.string()),
        mappings: z.array(
            z.object({
                ...{ subnetId: z.string(), zone: z.string() },
                ...{ allocationId: z.string(), address: z.string() },
            }),
        ),
    }),
);
export type LoadBalancerRecord = In<typeof loadBalancers>;

export const targetGroups = new Records(
    "aws-target-group",
    z.object({
        ...{ ...origin, arn: z.string(), name: z.string(), vpcId: z.string(), port: z.int() },
        drainSeconds: z.int(),
        check: z.object({
            path: z.string(),
            /** A number or `traffic-port`. */
            port: z.string(),
            intervalSeconds: z.int(),
            timeoutSeconds: z.int(),
            healthy: z.int(),
            unhealthy: z.int(),
            matcher: z.string(),
        }),
    }),
);
export type TargetGroupRecord = In<typeof targetGroups>;
export type HealthCheck = TargetGroupRecord["check"];

export const listeners = new Records(
    "aws-listener",
    z.object({
        ...{ ...origin, arn: z.string(), loadBalancerArn: z.string() },
        ...{ port: z.int(), targetGroupArn: z.string() },
    }),
);
export type ListenerRecord = In<typeof listeners>;

/** By `<target group's ARN> <instance>`. */
export const targets = new Records(
    "aws-target",
    z.object({
        targetGroupArn: z.string(),
        instanceId: z.string(),
        state: z.enum(["initial", "healthy", "unhealthy", "draining"]),
        reason: z.string().optional(),
        /** Whether it has ever been healthy. */
        proven: z.boolean(),
        /** Equal answers in a row that speak against the present state. */
        streak: z.int(),
        /** When the state began. */
        since: z.number(),
    }),
);
export type TargetRecord = In<typeof targets>;

export function targetKey({
    targetGroupArn,
    instanceId,
}: Pick<TargetRecord, "targetGroupArn" | "instanceId">) {
    return `${targetGroupArn} ${instanceId}`;
}

/** A template's version: a number, `$Latest` or `$Default`. */
export function versionOf(template: TemplateRecord, version: string): TemplateVersion | undefined {
    const latest = template.versions.at(-1)?.number;
    const wanted =
        version === "$Latest" ? latest : version === "$Default" ? template.defaultVersion : Number(version);
    return template.versions.find(({ number }) => number === wanted);
}

/** What an instance was launched with. */
export function templateOf(instance: InstanceRecord): TemplateVersion | undefined {
    const template = templates.get(instance.templateId);
    return template && versionOf(template, String(instance.templateVersion));
}

/* Parameters and budgets. */

/** By `<region> <name>`. */
export const parameters = new Records(
    "aws-parameter",
    z.object({
        ...{ ...origin, name: z.string(), arn: z.string() },
        type: z.enum(["String", "SecureString"]),
        /** Encrypted when secure; see keys.ts. */
        value: z.string(),
        version: z.int(),
        modifiedAt: z.number(),
    }),
);
export type ParameterRecord = In<typeof parameters>;

export function parameterKey({ region, name }: { region: string; name: string }): string {
    return `${region} ${name}`;
}

export const budgets = new Records("aws-budget", z.object({ ...stack, id: z.string(), name: z.string() }));

/* IAM, by name. Secrets of access keys are in the S3 server's own store, and in no record. */

const named = { ...stack, name: z.string(), arn: z.string(), createdAt: z.string() };

export const users = new Records("aws-user", z.object(named));

export const roles = new Records(
    "aws-role",
    /** The policy document says as JSON who may take the role. */
    z.object({ ...named, assumeRolePolicy: z.string() }),
);

export const instanceProfiles = new Records(
    "aws-instance-profile",
    /** Instances without a role have no credentials. */
    z.object({ ...named, role: z.string().optional() }),
);

/** Of a user or a role, by `<owner>:<name>`, with the document as JSON. */
const inlinePolicy = z.object({
    ...{ ...stack, id: z.string(), owner: z.string() },
    ...{ name: z.string(), policy: z.string() },
});
export const userPolicies = new Records("aws-user-policy", inlinePolicy);
export const rolePolicies = new Records("aws-role-policy", inlinePolicy);
export type InlinePolicyRecord = z.infer<typeof inlinePolicy>;

/** By id. */
export const accessKeys = new Records(
    "aws-access-key",
    z.object({
        ...{ ...stack, id: z.string(), user: z.string(), createdAt: z.string() },
        status: z.enum(["Active", "Inactive"]),
    }),
);

/* S3, besides objects: one record a bucket, by name, with all that is set on it. */

const retention = z.object({
    mode: z.enum(["COMPLIANCE", "GOVERNANCE"]),
    days: z.number().optional(),
    years: z.number().optional(),
});
export type Retention = z.infer<typeof retention>;

export const buckets = new Records(
    "aws-bucket",
    z.object({
        ...{ ...origin, name: z.string(), createdAt: z.string() },
        /** No state knows it, but there are objects in it: the next program that wants it takes it over. */
        orphan: z.boolean().default(false),
        versioning: z.enum(["Disabled", "Enabled", "Suspended"]),
        objectLock: z.boolean(),
        retention: retention.optional(),
        publicAccessBlock: z.object({ blockPublicPolicy: z.boolean() }).optional(),
        /** The policy document as JSON. */
        policy: z.string().optional(),
        // What nobody here carries out, as the program gave it.
        encryption: z.unknown().optional(),
        lifecycle: z.unknown().optional(),
        replication: z.unknown().optional(),
    }),
);
export type BucketRecord = In<typeof buckets>;

/** Objects that programs made, by `<bucket>/<key>`; what is in them is on the S3 server. */
export const objects = new Records(
    "aws-object",
    z.object({
        ...{ ...origin, bucket: z.string(), key: z.string() },
        ...{ etag: z.string(), contentType: z.string() },
        /** None where the bucket has no versions. */
        versionId: z.string().optional(),
    }),
);
export type ObjectRecord = In<typeof objects>;

export function objectId({ bucket, key }: { bucket: string; key: string }): string {
    return `${bucket}/${key}`;
}
