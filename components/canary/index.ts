import * as autoscaling from "@pulumi/aws/autoscaling";
import * as budgets from "@pulumi/aws/budgets";
import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import type { ChannelPlan } from "../../model/channels";
import type { IcecastVersion } from "../../model/icecast";
import type { Upstream } from "../../model/links";
import type { StationNames } from "../../model/stationNames";
import type { StationCredentials } from "../stationCredentials";
import type { StationAuthority } from "../stationAuthority";
import { canaryNames, createAccess, joinHook, type CanaryNames } from "./access";
import { createArtefacts } from "./artefacts";
import { createBalancer } from "./balancer";
import { createNetwork } from "./network";
import { createParameters } from "./parameters";
import { canaryDelivery, canaryRole, canaryUserData, deliveryKey, placeBytes } from "./render";

export interface CanaryArgs {
    /** `aerial-<stack>`: start of names that are unique in an account. */
    prefix: string;
    /** How the names of the station's buckets begin, for example `radio-example-prod`. */
    bucketPrefix: string;
    /** The account that everything is made in. */
    accountId: string;
    /** Amazon's region, for example `eu-central-1`. */
    region: string;
    /** Two of its availability zones or more. */
    zones: string[];
    instanceType: string;
    architecture: "amd64" | "arm64";
    /** Size of an instance's disk, in GiB. */
    diskGib: number;
    minInstances: number;
    maxInstances: number;
    /** Listeners at which one instance is full. */
    listenerLimit: number;
    /** Bytes that an instance is to send in a minute; above that the group grows. */
    targetBytesPerMinute: number;
    /** How long an instance that is about to stop keeps its listeners. */
    drainLimitSeconds: number;
    /** How many listeners it closes in a second when their time is over. */
    closePerSecond: number;
    /** Time from an instance's start until its traffic counts for the size of the group. */
    warmUpSeconds: number;
    /** How long an instance may take to become healthy once it has its secrets. */
    readySeconds: number;
    budget: { monthlyUsd: number; emails: string[] };
    stationName: string;
    /** The Icecast that the machines install. */
    icecast: IcecastVersion;
    channels: ChannelPlan[];
    names: StationNames;
    /** Where to pull from, and where the public certificate comes from; first preferred. */
    masters: pulumi.Input<Upstream>[];
    /** Connections that one address may hold at a Relay. */
    connectionsPerAddress: number;
    /** After how many seconds without audio an upstream is left. */
    stallSeconds: number;
    authority: StationAuthority;
    credentials: StationCredentials;
}

/** How long the group waits for an instance to become healthy. An instance that is still starting asks for more time. */
const joinLimitSeconds = 900;

/** Length of the random end of the group's name. */
const generationBytes = 3;

/** Hooks that a group is created with. A change of one replaces the group. */
const initialHooks = [
    {
        name: joinHook,
        lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        heartbeatTimeout: joinLimitSeconds,
        defaultResult: "ABANDON",
    },
];

/**
 * Relays at Amazon, behind a network load balancer with fixed addresses. At least one always runs; more start when the
 * droplets cannot serve.
 *
 * Instances read their delivery and secrets with their IAM role. A change makes a new version of the launch template. The
 * group rolls it out by itself, and starts new instances before it stops old ones. `ready` waits until a new instance is
 * in service; otherwise it fails with the reason that the instance gave. Resources that depend on this component change
 * only after that. Pulumi deletes replaced resources last, so the delivery of the version before stays until the whole
 * update has succeeded: after a failed rollout the group can still grow.
 *
 * There is no SSH: an unhealthy instance is replaced. The parameter `report` says why it was unhealthy.
 */
export class Canary extends pulumi.ComponentResource {
    /** The balancer's addresses, one for each zone. They stay. */
    public readonly addresses: pulumi.Output<string>[];
    public readonly groupName: pulumi.Output<string>;
    /** Name of the parameter in which an instance says why it did not become healthy. */
    public readonly report: string;
    /** Succeeds when an instance of the present launch template is in service. */
    public readonly ready: pulumi.Resource;

    constructor(name: string, args: CanaryArgs, opts?: pulumi.ComponentResourceOptions) {
        super(
            "aerial:index:Canary",
            name,
            { region: args.region, zones: args.zones, instanceType: args.instanceType },
            opts,
        );
        const names = canaryNames(args);
        this.refuseTooLarge(name, args, names);
        this.report = names.report;

        const network = createNetwork(name, args, this);
        const balancer = createBalancer(name, { ...args, network }, this);
        this.addresses = balancer.addresses;
        const access = createAccess(name, names, this);
        const masters = pulumi.all(args.masters);
        const delivery = masters.apply((known) => deliveryOf(name, args, known));
        const artefacts = createArtefacts(name, { names, delivery }, this);
        const parameters = createParameters(name, { ...args, names }, this);
        const groupName = this.nameGroup(name, names);

        const template = this.createTemplate(name, args, names, {
            ...{ delivery, masters, groupName },
            key: artefacts.key,
            profileArn: access.profileArn,
            securityGroupId: network.securityGroupId,
        });
        const group = this.createGroup(name, args, names, {
            ...{ template, groupName },
            subnetIds: network.subnetIds,
            targetGroupArns: balancer.targetGroupArns,
            // An instance that starts before these has no route, no load balancer, no permission or no delivery.
            dependsOn: [
                ...network.ways,
                ...balancer.listeners,
                access.policy,
                artefacts.object,
                ...parameters,
            ],
        });
        this.groupName = group.name;
        this.ready = this.awaitCanary(name, args, names, group, template);
        this.createBudget(name, args);
        this.registerOutputs({ addresses: this.addresses, groupName: this.groupName });
    }

    /**
     * Reports at preview what EC2 would refuse. The Masters' addresses may be unknown then, so example addresses stand for
     * them.
     */
    private refuseTooLarge(name: string, args: CanaryArgs, names: CanaryNames): void {
        const masters = args.masters.map((_, index) => {
            const id = String.fromCharCode("a".charCodeAt(0) + index);
            return { id, host: `192.0.2.${index + 1}`, port: 8443, tlsName: `master-${id}.link.aerial` };
        });
        try {
            const delivery = deliveryOf(name, args, masters);
            canaryUserData(name, names, args.readySeconds, {
                ...{ delivery, masters },
                key: deliveryKey(names, "0".repeat(2 * placeBytes), delivery),
                group: `${names.group}-${"0".repeat(2 * generationBytes)}`,
            });
        } catch (error) {
            throw new pulumi.ResourceError(error instanceof Error ? error.message : String(error), this);
        }
    }

    /** A name that changes whenever the group is replaced, so that the new group can exist beside the old one. */
    private nameGroup(name: string, names: CanaryNames): pulumi.Output<string> {
        const generation = new random.RandomId(
            `${name}-generation`,
            { byteLength: generationBytes, keepers: { hooks: JSON.stringify(initialHooks) } },
            { parent: this },
        );
        return pulumi.interpolate`${names.group}-${generation.hex}`;
    }

    private createTemplate(
        name: string,
        args: CanaryArgs,
        names: CanaryNames,
        given: {
            delivery: pulumi.Output<string>;
            masters: pulumi.Output<Upstream[]>;
            key: pulumi.Output<string>;
            groupName: pulumi.Output<string>;
            profileArn: pulumi.Output<string>;
            securityGroupId: pulumi.Output<string>;
        },
    ): ec2.LaunchTemplate {
        // Looked up at each run, so that a new image also reaches the canary first.
        const image = ssm.getParameterOutput(
            { name: `/aws/service/debian/release/13/latest/${args.architecture}` },
            { parent: this },
        );
        const tags = { Name: names.group };
        return new ec2.LaunchTemplate(
            `${name}-template`,
            {
                name: names.group,
                description: `Relays of ${args.stationName}`,
                imageId: pulumi.unsecret(image.value),
                instanceType: args.instanceType,
                iamInstanceProfile: { arn: given.profileArn },
                vpcSecurityGroupIds: [given.securityGroupId],
                userData: pulumi
                    .all([given.delivery, given.masters, given.key, given.groupName])
                    .apply(([delivery, masters, key, group]) => {
                        const facts = { delivery, masters, key, group };
                        const text = canaryUserData(name, names, args.readySeconds, facts);
                        return Buffer.from(text).toString("base64");
                    }),
                metadataOptions: {
                    httpEndpoint: "enabled",
                    httpTokens: "required",
                    httpPutResponseHopLimit: 1,
                },
                // Metrics by the minute, so that the group grows before listeners notice.
                monitoring: { enabled: true },
                blockDeviceMappings: [
                    {
                        deviceName: "/dev/xvda",
                        ebs: {
                            volumeSize: args.diskGib,
                            volumeType: "gp3",
                            encrypted: "true",
                            deleteOnTermination: "true",
                        },
                    },
                ],
                tagSpecifications: [
                    { resourceType: "instance", tags },
                    { resourceType: "volume", tags },
                ],
            },
            { parent: this },
        );
    }

    private createGroup(
        name: string,
        args: CanaryArgs,
        names: CanaryNames,
        given: {
            template: ec2.LaunchTemplate;
            groupName: pulumi.Output<string>;
            subnetIds: pulumi.Output<string>[];
            targetGroupArns: pulumi.Output<string>[];
            dependsOn: pulumi.Resource[];
        },
    ): autoscaling.Group {
        const goneSeconds = args.drainLimitSeconds + 900;
        const group = new autoscaling.Group(
            `${name}-group`,
            {
                name: given.groupName,
                // The scaling policy chooses the size between them. No `desiredCapacity` here, so that `up` does not reset it.
                minSize: args.minInstances,
                maxSize: args.maxInstances,
                vpcZoneIdentifiers: given.subnetIds,
                targetGroupArns: given.targetGroupArns,
                launchTemplate: {
                    id: given.template.id,
                    version: given.template.latestVersion.apply(String),
                },
                healthCheckType: "ELB",
                // Instances are healthy before they come into service, but the balancer needs some checks to see it.
                healthCheckGracePeriod: 60,
                initialLifecycleHooks: initialHooks,
                defaultInstanceWarmup: args.warmUpSeconds,
                // A new version of the launch template starts a refresh. New instances start before old ones stop.
                instanceRefresh: {
                    strategy: "Rolling",
                    preferences: {
                        minHealthyPercentage: 100,
                        maxHealthyPercentage: 200,
                        instanceWarmup: String(args.warmUpSeconds),
                        skipMatching: true,
                        // No automatic rollback: await-refresh.mjs does it, and says why.
                    },
                },
                // `ready` waits instead, and can give the reason of a failure.
                waitForCapacityTimeout: "0",
                tags: [{ key: "Name", value: names.group, propagateAtLaunch: false }],
            },
            {
                parent: this,
                dependsOn: given.dependsOn,
                customTimeouts: { delete: `${goneSeconds}s` },
            },
        );
        new autoscaling.Policy(
            `${name}-scaling`,
            {
                autoscalingGroupName: group.name,
                policyType: "TargetTrackingScaling",
                estimatedInstanceWarmup: args.warmUpSeconds,
                // The group grows within minutes. It shrinks after 15 minutes below 90 % of the target.
                targetTrackingConfiguration: {
                    predefinedMetricSpecification: { predefinedMetricType: "ASGAverageNetworkOut" },
                    targetValue: args.targetBytesPerMinute,
                },
            },
            { parent: this },
        );
        return group;
    }

    private awaitCanary(
        name: string,
        args: CanaryArgs,
        names: CanaryNames,
        group: autoscaling.Group,
        template: ec2.LaunchTemplate,
    ): pulumi.Resource {
        const version = template.latestVersion.apply(String);
        return new command.local.Command(
            `${name}-ready`,
            {
                create: "node components/canary/await-refresh.mjs",
                environment: {
                    AERIAL_REGION: args.region,
                    AERIAL_GROUP: group.name,
                    AERIAL_REPORT: names.report,
                    AERIAL_TEMPLATE_VERSION: version,
                    // Time for two instances, one after the other.
                    AERIAL_WAIT_SECONDS: String(2 * joinLimitSeconds),
                },
                triggers: [group.arn, template.id, version],
                logging: "stdoutAndStderr",
                addPreviousOutputInEnv: false,
            },
            { parent: this },
        );
    }

    /** Sends a mail when the costs reach 80 % of the budget, or are expected to exceed it. */
    private createBudget(name: string, args: CanaryArgs): void {
        const notification = (notificationType: "ACTUAL" | "FORECASTED", threshold: number) => ({
            comparisonOperator: "GREATER_THAN",
            notificationType,
            threshold,
            thresholdType: "PERCENTAGE",
            subscriberEmailAddresses: args.budget.emails,
        });
        new budgets.Budget(
            `${name}-budget`,
            {
                name: `${args.prefix}-monthly`,
                budgetType: "COST",
                limitAmount: String(args.budget.monthlyUsd),
                limitUnit: "USD",
                timeUnit: "MONTHLY",
                notifications: [notification("ACTUAL", 80), notification("FORECASTED", 100)],
            },
            { parent: this },
        );
    }
}

function deliveryOf(name: string, args: CanaryArgs, masters: Upstream[]): string {
    const { stationName, icecast, channels, names, connectionsPerAddress, stallSeconds, listenerLimit } =
        args;
    const plan = {
        stationName,
        icecast,
        channels,
        names,
        connectionsPerAddress,
        stallSeconds,
        listenerLimit,
    };
    return canaryDelivery(canaryRole({ ...plan, pool: name, masters }, args), args.readySeconds);
}
