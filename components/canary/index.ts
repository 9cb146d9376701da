import * as autoscaling from "@pulumi/aws/autoscaling";
import * as budgets from "@pulumi/aws/budgets";
import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

import type { ChannelPlan } from "../../model/channels";
import type { Upstream } from "../../model/links";
import type { StationNames } from "../../model/stationNames";
import type { StationCredentials } from "../stationCredentials";
import { baseRole } from "../machine/base";
import { packFiles, renderJoiningConfig, userDataLimitBytes } from "../machine/cloudConfig";
import { fetchCommand, joiningRole, loaderFiles } from "./joining";
import { mergeRoles, type MachineRole } from "../machine/role";
import { renderRelay } from "../relayPool/render";
import type { StationAuthority } from "../stationAuthority";
import { createAccess, canaryNames, joinHook, type CanaryNames } from "./access";
import { createBalancer } from "./balancer";
import { checkedSecrets, cutBundle, pieceCount } from "./pieces";
import { createNetwork } from "./network";

export interface CanaryArgs {
    /** `aerial-<stack>`: start of names that are unique in an account. */
    prefix: string;
    /** The account that everything is made in. */
    accountId: string;
    /** Amazon's region, for example `eu-central-1`. */
    region: string;
    /** Two of its availability zones or more. */
    zones: string[];
    instanceType: string;
    architecture: "amd64" | "arm64";
    /** In GiB. */
    diskGib: number;
    minInstances: number;
    maxInstances: number;
    /** Listeners at which one instance is full. */
    listenerLimit: number;
    /** Bytes that an instance is to send in a minute; above that the group grows. */
    targetBytesPerMinute: number;
    /** How long listeners of an instance that goes may stay. */
    drainLimitSeconds: number;
    /** Time from an instance's start until its traffic says something about the group's. */
    warmUpSeconds: number;
    /** How long a machine may take from its secrets to its health. */
    readySeconds: number;
    budget: { monthlyUsd: number; emails: string[] };
    stationName: string;
    channels: ChannelPlan[];
    names: StationNames;
    /** Whom to pull from and where the public certificate comes from, first preferred. */
    masters: pulumi.Input<Upstream>[];
    /** Connections that one address may hold at a Relay. */
    connectionsPerAddress: number;
    authority: StationAuthority;
    credentials: StationCredentials;
}

/** Length of the name of a place for files. */
const placeBytes = 6;

/** How long the group waits for a machine to be well; machines that still work on it ask for more. */
const joinLimitSeconds = 900;

/** Length of the random end of the group's name. */
const generationBytes = 3;

/** What a group is created with; another value of any of it makes another group. */
const initialHooks = [
    {
        name: joinHook,
        lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
        heartbeatTimeout: joinLimitSeconds,
        defaultResult: "ABANDON",
    },
];

/**
 * Relays at Amazon, behind a balancer with fixed addresses: always at least one, the **canary**, and more of them when
 * they have to send more, for an emergency.
 *
 * Machines read their files and secrets by their own role. A change makes a new launch template version, which the group
 * rolls out by itself, new machines first; `ready` waits until one of them is in service, and fails with the machine's
 * own words otherwise. Whoever depends on this component is touched only after that. The files of the version before
 * stay until everything else of the update has succeeded, because Pulumi deletes replaced resources last: a rollout that
 * fails leaves a group that can still grow.
 *
 * There is no SSH: a machine that is not well is replaced. Why it was not, is in the parameter `report`.
 */
export class Canary extends pulumi.ComponentResource {
    /** The balancer's addresses, one for each zone. They stay. */
    public readonly addresses: pulumi.Output<string>[];
    public readonly groupName: pulumi.Output<string>;
    /** Name of the parameter in which a machine says why it did not get well. */
    public readonly report: string;
    /** Done when the canary serves what this program describes. */
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
        const role = masters.apply((known) => relayRole(name, args, known));
        const parameters = this.createParameters(name, args, names, role);
        const groupName = this.nameGroup(name, names);

        const template = this.createTemplate(name, args, names, {
            ...{ role, masters, groupName },
            filesPath: parameters.filesPath,
            profileArn: access.profileArn,
            securityGroupId: network.securityGroupId,
        });
        const group = this.createGroup(name, args, names, {
            ...{ template, groupName },
            subnetIds: network.subnetIds,
            targetGroupArns: balancer.targetGroupArns,
            // A machine that starts before them would find no way, no answer or no permission.
            dependsOn: [...network.ways, ...balancer.listeners, access.policy, ...parameters.all],
        });
        this.groupName = group.name;
        this.ready = this.awaitCanary(name, args, names, group, template);
        this.createBudget(name, args);
        this.registerOutputs({ addresses: this.addresses, groupName: this.groupName });
    }

    /**
     * What EC2 would refuse is refused at preview, also when the Masters' addresses are not known yet: others of the same
     * kind stand for them.
     */
    private refuseTooLarge(name: string, args: CanaryArgs, names: CanaryNames): void {
        const masters = args.masters.map((_, index) => {
            const id = String.fromCharCode("a".charCodeAt(0) + index);
            return { id, host: `192.0.2.${index + 1}`, port: 8443, tlsName: `master-${id}.link.aerial` };
        });
        try {
            const role = relayRole(name, args, masters);
            cutBundle(packFiles(role.files), name);
            const filesPath = `${names.files}/${"0".repeat(2 * placeBytes)}`;
            const groupName = `${names.group}-${"0".repeat(2 * generationBytes)}`;
            userData(name, args, names, { role, masters, filesPath, groupName });
        } catch (error) {
            throw new pulumi.ResourceError(error instanceof Error ? error.message : String(error), this);
        }
    }

    /** A name that is new with everything that replaces a group, so that the new one stands beside the old one. */
    private nameGroup(name: string, names: CanaryNames): pulumi.Output<string> {
        const generation = new random.RandomId(
            `${name}-generation`,
            { byteLength: generationBytes, keepers: { hooks: JSON.stringify(initialHooks) } },
            { parent: this },
        );
        return pulumi.interpolate`${names.group}-${generation.hex}`;
    }

    private createParameters(
        name: string,
        args: CanaryArgs,
        names: CanaryNames,
        role: pulumi.Output<MachineRole>,
    ): { filesPath: pulumi.Output<string>; all: pulumi.Resource[] } {
        const child = { parent: this };
        const bundle = role.apply(({ files }) => packFiles(files));
        // Another place for other files: machines of an older template find their own until all is done. And for files
        // that come back after a rollout that failed: Pulumi still has those from before it to delete.
        const place = new random.RandomId(
            `${name}-files`,
            { byteLength: placeBytes, keepers: { sha256: bundle.apply(({ sha256 }) => sha256) } },
            child,
        );
        const filesPath = place.hex.apply((hex) => `${names.files}/${hex}`);
        const texts = bundle.apply((packed) => cutBundle(packed, name));
        const pieces = Array.from({ length: pieceCount }, (_, index) => {
            const number = String(index + 1).padStart(2, "0");
            return new ssm.Parameter(
                `${name}-files-${number}`,
                {
                    name: pulumi.interpolate`${filesPath}/${number}`,
                    type: "String",
                    value: texts.apply((all) => all[index] ?? ""),
                },
                child,
            );
        });
        const secrets = new ssm.Parameter(
            `${name}-secrets`,
            {
                name: names.secrets,
                description: "Secrets of the canary's instances",
                type: "SecureString",
                value: pulumi.secret(
                    pulumi
                        .jsonStringify({
                            values: { "relay.link": args.credentials.linkPassword },
                            files: { "ca.pem": args.authority.certificatePem },
                        })
                        .apply(checkedSecrets),
                ),
            },
            child,
        );
        const report = new ssm.Parameter(
            `${name}-report`,
            {
                name: names.report,
                description: "Why the last unhealthy instance was not healthy",
                type: "String",
                value: "nothing yet",
            },
            // Machines write it.
            { ...child, ignoreChanges: ["value"] },
        );
        return { filesPath, all: [...pieces, secrets, report] };
    }

    private createTemplate(
        name: string,
        args: CanaryArgs,
        names: CanaryNames,
        given: {
            role: pulumi.Output<MachineRole>;
            masters: pulumi.Output<Upstream[]>;
            filesPath: pulumi.Output<string>;
            groupName: pulumi.Output<string>;
            profileArn: pulumi.Output<string>;
            securityGroupId: pulumi.Output<string>;
        },
    ): ec2.LaunchTemplate {
        // Looked up each time, so that a new image, too, reaches the canary first.
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
                    .all([given.role, given.masters, given.filesPath, given.groupName])
                    .apply(([role, masters, filesPath, groupName]) =>
                        Buffer.from(
                            userData(name, args, names, { role, masters, filesPath, groupName }),
                        ).toString("base64"),
                    ),
                metadataOptions: {
                    httpEndpoint: "enabled",
                    httpTokens: "required",
                    httpPutResponseHopLimit: 1,
                },
                // Traffic by the minute: the group is to grow before listeners notice.
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
                // The size between them is the scaling's; nothing is said about it here, so that `up` leaves it alone.
                minSize: args.minInstances,
                maxSize: args.maxInstances,
                vpcZoneIdentifiers: given.subnetIds,
                targetGroupArns: given.targetGroupArns,
                launchTemplate: {
                    id: given.template.id,
                    version: given.template.latestVersion.apply(String),
                },
                healthCheckType: "ELB",
                // Machines are well before they come into service; the balancer needs some checks to see it.
                healthCheckGracePeriod: 60,
                initialLifecycleHooks: initialHooks,
                defaultInstanceWarmup: args.warmUpSeconds,
                // A new launch template version starts it, whatever else triggers it. New machines first.
                instanceRefresh: {
                    strategy: "Rolling",
                    preferences: {
                        minHealthyPercentage: 100,
                        maxHealthyPercentage: 200,
                        instanceWarmup: String(args.warmUpSeconds),
                        skipMatching: true,
                        // Rolling back is left to `ready`: see there why.
                    },
                },
                // `ready` waits, and knows reasons.
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
                // It grows within minutes, and shrinks after a quarter of an hour below nine tenths of the target.
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
                    // Two machines may try.
                    AERIAL_WAIT_SECONDS: String(2 * joinLimitSeconds),
                },
                triggers: [group.arn, template.id, version],
                logging: "stdoutAndStderr",
                addPreviousOutputInEnv: false,
            },
            { parent: this },
        );
    }

    /** Emergencies cost, and so does one that nobody ended: whoever pays learns of it. */
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

/** All that a machine of the group is. */
function relayRole(name: string, args: CanaryArgs, masters: Upstream[]): MachineRole {
    return mergeRoles(
        baseRole(),
        renderRelay({
            pool: name,
            stationName: args.stationName,
            channels: args.channels,
            upstreams: masters,
            masters,
            names: args.names,
            connectionsPerAddress: args.connectionsPerAddress,
            listenerLimit: args.listenerLimit,
            behindBalancer: true,
        }),
        joiningRole(),
    );
}

function userData(
    name: string,
    { readySeconds }: Pick<CanaryArgs, "readySeconds">,
    names: CanaryNames,
    {
        role,
        masters,
        filesPath,
        groupName: group,
    }: { role: MachineRole; masters: Upstream[]; filesPath: string; groupName: string },
): string {
    const { sha256 } = packFiles(role.files);
    const { region, secrets, report, namespace } = names;
    const loader = loaderFiles({
        ...{ name, region, group, hook: joinHook, secrets, report, namespace, readySeconds, sha256 },
        masters: masters.map(({ host, port }) => ({ host, port })),
        files: filesPath,
        pieces: pieceCount,
    });
    return renderJoiningConfig({ name, role, loader, fetch: fetchCommand }, userDataLimitBytes.ec2);
}
