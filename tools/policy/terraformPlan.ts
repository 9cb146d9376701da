import type { DumpedResource } from "./golden";

/* The Amazon half of a golden dump as a Terraform plan, which is what checkov reads. */

/** Names that Terraform has for Pulumi's types; the provider at Pulumi is Terraform's, and its types have few others. */
const typeNames: Readonly<Record<string, string>> = {
    "aws:autoscaling/group:Group": "aws_autoscaling_group",
    "aws:autoscaling/policy:Policy": "aws_autoscaling_policy",
    "aws:budgets/budget:Budget": "aws_budgets_budget",
    "aws:ec2/eip:Eip": "aws_eip",
    "aws:ec2/internetGateway:InternetGateway": "aws_internet_gateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "aws_launch_template",
    "aws:ec2/routeTable:RouteTable": "aws_route_table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "aws_route_table_association",
    "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
    "aws:ec2/subnet:Subnet": "aws_subnet",
    "aws:ec2/vpc:Vpc": "aws_vpc",
    "aws:iam/accessKey:AccessKey": "aws_iam_access_key",
    "aws:iam/instanceProfile:InstanceProfile": "aws_iam_instance_profile",
    "aws:iam/role:Role": "aws_iam_role",
    "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
    "aws:iam/user:User": "aws_iam_user",
    "aws:iam/userPolicy:UserPolicy": "aws_iam_user_policy",
    "aws:lb/listener:Listener": "aws_lb_listener",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:lb/targetGroup:TargetGroup": "aws_lb_target_group",
    "aws:s3/bucket:Bucket": "aws_s3_bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
        "aws_s3_bucket_lifecycle_configuration",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration":
        "aws_s3_bucket_object_lock_configuration",
    "aws:s3/bucketObjectv2:BucketObjectv2": "aws_s3_object",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "aws_s3_bucket_ownership_controls",
    "aws:s3/bucketPolicy:BucketPolicy": "aws_s3_bucket_policy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "aws_s3_bucket_replication_configuration",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        "aws_s3_bucket_server_side_encryption_configuration",
    "aws:s3/bucketVersioning:BucketVersioning": "aws_s3_bucket_versioning",
    "aws:ssm/parameter:Parameter": "aws_ssm_parameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "aws_vpc_security_group_egress_rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
};

/** Terraform's blocks are in the singular where Pulumi's lists are in the plural. */
const singular: Readonly<Record<string, string>> = {
    default_actions: "default_action",
    initial_lifecycle_hooks: "initial_lifecycle_hook",
    notifications: "notification",
    noncurrent_version_transitions: "noncurrent_version_transition",
    routes: "route",
    rules: "rule",
    subnet_mappings: "subnet_mapping",
    target_health_states: "target_health_state",
    transitions: "transition",
};

/** Objects that are maps in Terraform, and no blocks. */
const maps = new Set(["tags"]);

interface PlannedResource {
    address: string;
    mode: "managed";
    type: string;
    name: string;
    values: Record<string, unknown>;
}

interface ConfiguredResource {
    address: string;
    mode: "managed";
    type: string;
    name: string;
    expressions: Record<string, { references: string[] }>;
}

export interface TerraformPlan {
    format_version: string;
    terraform_version: string;
    planned_values: { root_module: { resources: PlannedResource[] } };
    resource_changes: (PlannedResource & { change: { actions: string[]; before: null; after: unknown } })[];
    configuration: { root_module: { resources: ConfiguredResource[] } };
}

/**
 * A plan that creates all that the dump has at Amazon: the same inputs under Terraform's names, with references between
 * the resources, by which checkov knows what is set on which bucket.
 *
 * @throws Error that names a type which the table of names lacks: what is left out would not be checked.
 */
export function terraformPlan(dump: readonly DumpedResource[]): TerraformPlan {
    const resources = dump.filter(({ type }) => type.startsWith("aws:"));
    const addresses = new Map(
        resources.flatMap((resource) => handles(resource).map((handle) => [handle, addressOf(resource)])),
    );
    const planned = resources.map((resource): PlannedResource => ({
        ...identity(resource),
        values: blocks(resource.inputs),
    }));
    return {
        format_version: "1.2",
        terraform_version: "1.9.0",
        planned_values: { root_module: { resources: planned } },
        resource_changes: planned.map((resource) => ({
            ...resource,
            change: { actions: ["create"], before: null, after: resource.values },
        })),
        configuration: {
            root_module: {
                resources: resources.map((resource) => ({
                    ...identity(resource),
                    expressions: references(resource, addresses),
                })),
            },
        },
    };
}

function identity(resource: DumpedResource): Omit<PlannedResource, "values"> {
    return { address: addressOf(resource), mode: "managed", type: typeOf(resource), name: resource.name };
}

function addressOf(resource: DumpedResource): string {
    return `${typeOf(resource)}.${resource.name}`;
}

function typeOf({ type, name }: DumpedResource): string {
    const known = typeNames[type];
    if (known === undefined) {
        throw new Error(`${name}: no name of Terraform's is known for ${type}; add it to ${__filename}`);
    }
    return known;
}

/** How other resources name this one in the dump: by `[its name]`, or by the name that Amazon knows. */
function handles({ type, name, inputs }: DumpedResource): string[] {
    const physical: Readonly<Record<string, unknown>> = {
        "aws:s3/bucket:Bucket": inputs.bucket,
        "aws:iam/role:Role": inputs.name,
        "aws:iam/user:User": inputs.name,
    };
    return [`[${name}]`, physical[type]].filter((handle): handle is string => typeof handle === "string");
}

function references(
    resource: DumpedResource,
    addresses: ReadonlyMap<string, string>,
): ConfiguredResource["expressions"] {
    return Object.fromEntries(
        Object.entries(resource.inputs).flatMap(([key, value]) => {
            const found = strings(value).flatMap((text) => {
                const address = addresses.get(text);
                return address === undefined || address === addressOf(resource)
                    ? []
                    : [`${address}.id`, address];
            });
            return found.length === 0 ? [] : [[snakeCase(key), { references: found }]];
        }),
    );
}

function strings(value: unknown): string[] {
    if (typeof value === "string") {
        return [value];
    }
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}

/** Inputs by Terraform's names, each nested object as a list of one block. Policies are texts there. */
function blocks(inputs: object): Record<string, unknown> {
    return Object.fromEntries(
        Object.entries(inputs).map(([key, value]: [string, unknown]) => {
            const name = singular[snakeCase(key)] ?? snakeCase(key);
            if (/policy$/i.test(key)) {
                return [name, typeof value === "string" ? value : JSON.stringify(value)];
            }
            return [name, maps.has(key) ? value : block(value)];
        }),
    );
}

function block(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map((item: unknown) => (isObject(item) ? blocks(item) : item));
    }
    return isObject(value) ? [blocks(value)] : value;
}

function isObject(value: unknown): value is object {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function snakeCase(name: string): string {
    return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}
