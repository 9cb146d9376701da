import "./ownRecordLab";

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { labFolder } from "../../lab/paths";
import { computeFunctions, computeKinds } from "../../lab/amazon/compute";
import { eips, groups, instanceProfiles, parameters, refreshes } from "../../lab/amazon/records";
import { plainValue } from "../../lab/amazon/keys";
import type { ResourceKind } from "../../lab/cloud/kind";
import { problemsWith } from "../../lab/cloud/protocol/problems";

/*
 * What the lab's EC2, Auto Scaling, load balancing and parameters refuse, as the real ones do. In record mode: nothing
 * runs.
 */

afterAll(() => rmSync(labFolder, { recursive: true, force: true }));

const region = "eu-central-1";
const arm = "ami-0deb1a1300000aa64";
const intel = "ami-0deb1a13000000a64";
const context = {
    urn: "urn:test",
    name: "test",
    settings: { region, allowedAccountIds: ["123456789012"] },
    log: () => undefined,
};

type Given = Record<string, unknown>;

function kind(name: string): ResourceKind {
    const found = computeKinds.find(({ type }) => type.endsWith(`:${name}`));
    if (!found) {
        throw new Error(`there is no ${name}`);
    }
    return found;
}

interface Made {
    kind: string;
    id: string;
    inputs: Given;
    outputs: Given;
}

const made: Made[] = [];

async function create(name: string, given: Given): Promise<Made> {
    const inputs = name === "Budget" ? given : { region, ...given };
    const entry = { kind: name, inputs, ...(await kind(name).create(inputs, context)) };
    made.unshift(entry);
    return entry;
}

async function update(entry: Made, changes: Given): Promise<Given> {
    const inputs = { ...entry.inputs, ...changes };
    const outputs = await kind(entry.kind).update({ ...entry }, inputs, context);
    Object.assign(entry, { inputs, outputs });
    return outputs;
}

async function remove(entry: Made): Promise<void> {
    await kind(entry.kind).delete({ ...entry }, context);
    made.splice(made.indexOf(entry), 1);
}

function refusals(name: string, inputs: Given): string[] {
    return problemsWith(kind(name), name === "Budget" ? inputs : { region, ...inputs }).map(
        ({ property, reason }) => `${property}: ${reason}`,
    );
}

afterEach(async () => {
    for (const entry of [...made]) {
        await remove(entry);
    }
});

async function network() {
    const vpc = await create("Vpc", { cidrBlock: "10.80.0.0/16" });
    const subnet = await create("Subnet", {
        vpcId: vpc.id,
        cidrBlock: "10.80.0.0/24",
        availabilityZone: `${region}a`,
        mapPublicIpOnLaunch: true,
    });
    const other = await create("Subnet", {
        vpcId: vpc.id,
        cidrBlock: "10.80.1.0/24",
        availabilityZone: `${region}b`,
        mapPublicIpOnLaunch: true,
    });
    return { vpc, subnet, other };
}

const template = (changes: Given = {}) => ({
    name: "canary",
    imageId: arm,
    instanceType: "t4g.small",
    ...changes,
});

async function group(changes: Given = {}) {
    const places = await network();
    const launch = await create("LaunchTemplate", template());
    const made = await create("Group", {
        name: "canary",
        minSize: 1,
        maxSize: 3,
        launchTemplate: { id: launch.id, version: "1" },
        vpcZoneIdentifiers: [places.subnet.id, places.other.id],
        ...changes,
    });
    return { ...places, launch, group: made };
}

describe("before anything is made, the provider refuses", () => {
    it.each<[string, string, Given, string]>([
        [
            "properties it does not know",
            "Vpc",
            { cidrBlock: "10.0.0.0/16", teleport: 1 },
            "teleport: the lab cloud",
        ],
        [
            "unknown regions",
            "Vpc",
            { region: "mars-1", cidrBlock: "10.0.0.0/16" },
            "invalid AWS Region: mars-1",
        ],
        ["ranges that are none", "Vpc", { cidrBlock: "10.0.0.1/16" }, "is not a valid IPv4 CIDR block"],
        [
            "user data that is no base64",
            "LaunchTemplate",
            template({ userData: "#!/bin/sh" }),
            "Invalid BASE64",
        ],
        [
            "user data above 16 KiB",
            "LaunchTemplate",
            template({ userData: Buffer.alloc(16_385).toString("base64") }),
            "limited to 16384 bytes before base64; these are 16385",
        ],
        [
            "metadata without tokens",
            "LaunchTemplate",
            template({ metadataOptions: { httpTokens: "optional" } }),
            "by tokens (IMDSv2) only",
        ],
        [
            "balancers without a subnet",
            "LoadBalancer",
            { loadBalancerType: "network", subnetMappings: [] },
            "At least one subnet must be specified",
        ],
        [
            "ports that are none",
            "TargetGroup",
            { port: 0, protocol: "TCP", vpcId: "vpc-1" },
            "range (1 - 65535)",
        ],
        ["other protocols", "TargetGroup", { port: 80, protocol: "UDP", vpcId: "vpc-1" }, "TCP only"],
        [
            "names that are too long",
            "TargetGroup",
            { name: "a".repeat(33), port: 80, protocol: "TCP", vpcId: "vpc-1" },
            "cannot be longer than 32",
        ],
        [
            "parameters above 4 KiB",
            "Parameter",
            { name: "/a/b", type: "SecureString", value: "x".repeat(4097) },
            "value: Standard tier parameters support a maximum parameter value of 4096 characters; this one has 4097",
        ],
        [
            "names of Amazon's own",
            "Parameter",
            { name: "/aws/x", type: "String", value: "x" },
            "prefixed with",
        ],
        ["names with blanks", "Parameter", { name: "/a b", type: "String", value: "x" }, "Parameter name"],
        [
            "hooks of another moment",
            "Group",
            {
                ...{ minSize: 1, maxSize: 1, launchTemplate: {}, vpcZoneIdentifiers: ["s"] },
                initialLifecycleHooks: [
                    { name: "a", lifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING" },
                ],
            },
            "at the launch of instances only",
        ],
        [
            "budgets that tell nobody",
            "Budget",
            {
                ...{ budgetType: "COST", limitAmount: "5", limitUnit: "USD", timeUnit: "MONTHLY" },
                notifications: [
                    {
                        comparisonOperator: "GREATER_THAN",
                        notificationType: "ACTUAL",
                        threshold: 80,
                        thresholdType: "PERCENTAGE",
                    },
                ],
            },
            "at least one subscriber",
        ],
    ])("%s", (_, name, given, message) => {
        expect(refusals(name, given).join("\n")).toContain(message);
    });
});

describe("the API refuses", () => {
    it.each<[string, Given, string]>([
        ["unknown instance types", { instanceType: "t9.huge" }, "Invalid value 't9.huge' for InstanceType"],
        [
            "unknown images",
            { imageId: "ami-1234" },
            "InvalidAMIID.NotFound: The image id '[ami-1234]' does not exist",
        ],
        [
            "an image of another processor",
            { imageId: intel },
            "The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64'",
        ],
        ["unknown security groups", { vpcSecurityGroupIds: ["sg-1"] }, "InvalidGroup.NotFound"],
        [
            "unknown instance profiles",
            { iamInstanceProfile: { name: "x" } },
            "Invalid IAM Instance Profile name",
        ],
    ])("templates with %s", async (_, changes, message) => {
        await expect(create("LaunchTemplate", template(changes))).rejects.toThrow(message);
    });

    it.each<[string, Given, string]>([
        ["min above max", { minSize: 4 }, "Max bound, 3, must be greater than or equal to min bound, 4"],
        [
            "too much desired",
            { desiredCapacity: 9 },
            "Desired capacity:9 must be below the specified max value:3",
        ],
        [
            "too little desired",
            { desiredCapacity: 0 },
            "Desired capacity:0 must be above the specified min value:1",
        ],
        ["unknown subnets", { vpcZoneIdentifiers: ["subnet-1"] }, "The subnet ID 'subnet-1' does not exist"],
        [
            "an unknown version",
            { launchTemplate: { name: "canary", version: "7" } },
            "Could not find launch template version 7",
        ],
        [
            "unknown target groups",
            { targetGroupArns: ["arn:aws:elasticloadbalancing:x"] },
            "Provided Target Groups may not be valid",
        ],
    ])("groups with %s", async (_, changes, message) => {
        await expect(group(changes)).rejects.toThrow(message);
    });

    it("subnets in zones, networks and regions that do not fit", async () => {
        const { vpc } = await network();
        const subnet = (changes: Given) =>
            create("Subnet", { vpcId: vpc.id, cidrBlock: "10.80.9.0/24", ...changes });
        await expect(subnet({ availabilityZone: "us-east-1a" })).rejects.toThrow(
            "availability zones: eu-central-1a, eu-central-1b, eu-central-1c",
        );
        await expect(subnet({ cidrBlock: "10.81.0.0/24" })).rejects.toThrow("InvalidSubnet.Range");
        await expect(subnet({ cidrBlock: "10.80.0.0/25" })).rejects.toThrow("InvalidSubnet.Conflict");
        await expect(create("Vpc", { cidrBlock: "10.80.0.0/20" })).rejects.toThrow("overlaps");
    });

    it("rules that are there already, and rules without ports or peers", async () => {
        const { vpc } = await network();
        const { id } = await create("SecurityGroup", { vpcId: vpc.id, name: "relay" });
        const rule = {
            securityGroupId: id,
            ipProtocol: "tcp",
            cidrIpv4: "0.0.0.0/0",
            fromPort: 80,
            toPort: 80,
        };
        await create("SecurityGroupIngressRule", rule);
        await create("SecurityGroupEgressRule", rule);
        await expect(create("SecurityGroupIngressRule", rule)).rejects.toThrow(
            'the specified rule "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" already exists',
        );
        for (const [changes, message] of [
            [{ fromPort: 90 }, "Invalid TCP/UDP port range (90:80)"],
            [{ fromPort: undefined }, "Must specify both from and to ports"],
            [{ ipProtocol: "-1" }, "all (-1) protocols with specific ports"],
            [{ cidrIpv4: undefined }, "exactly one of cidr_ipv4"],
            [{ securityGroupId: "sg-1" }, "InvalidGroup.NotFound"],
        ] as [Given, string][]) {
            await expect(create("SecurityGroupIngressRule", { ...rule, ...changes })).rejects.toThrow(
                message,
            );
        }
        await expect(create("SecurityGroup", { vpcId: vpc.id, name: "relay" })).rejects.toThrow(
            "InvalidGroup.Duplicate",
        );
    });

    it("balancers with two subnets of a zone, or an address that another has", async () => {
        const { vpc, subnet, other } = await network();
        const sibling = await create("Subnet", {
            vpcId: vpc.id,
            cidrBlock: "10.80.2.0/24",
            availabilityZone: `${region}a`,
        });
        const [one, two] = [await create("Eip", {}), await create("Eip", {})];
        const balancer = (name: string, ...mappings: [Made, Made][]) =>
            create("LoadBalancer", {
                name,
                loadBalancerType: "network",
                subnetMappings: mappings.map(([place, eip]) => ({
                    subnetId: place.id,
                    allocationId: eip.id,
                })),
            });
        await expect(balancer("a", [subnet, one], [sibling, two])).rejects.toThrow("same Availability Zone");
        await balancer("b", [subnet, one]);
        await expect(balancer("c", [other, one])).rejects.toThrow("already associated");
        await expect(remove(one)).rejects.toThrow("InvalidIPAddress.InUse");
        await expect(remove(subnet)).rejects.toThrow("DependencyViolation");
        expect(
            eips
                .all()
                .map(({ address }) => address)
                .sort(),
        ).toEqual(["198.19.0.253", "198.19.0.254"]);
    });

    it("to delete target groups and templates that are used", async () => {
        const { vpc, subnet } = await network();
        const target = await create("TargetGroup", { name: "web", port: 80, protocol: "TCP", vpcId: vpc.id });
        const eip = await create("Eip", {});
        const balancer = await create("LoadBalancer", {
            name: "web",
            loadBalancerType: "network",
            subnetMappings: [{ subnetId: subnet.id, allocationId: eip.id }],
        });
        const listener = {
            loadBalancerArn: balancer.id,
            port: 80,
            protocol: "TCP",
            defaultActions: [{ type: "forward", targetGroupArn: target.id }],
        };
        await create("Listener", listener);
        await expect(create("Listener", listener)).rejects.toThrow("DuplicateListener");
        await expect(remove(target)).rejects.toThrow("ResourceInUse");
    });

    it("a parameter that exists", async () => {
        const given = { name: "/canary/x", type: "String", value: "1" };
        await create("Parameter", given);
        await expect(create("Parameter", given)).rejects.toThrow("ParameterAlreadyExists");
    });
});

describe("a launch template", () => {
    it("gets a version with each change of what it holds", async () => {
        instanceProfiles.put("relay", {
            urn: "",
            name: "relay",
            arn: "arn:aws:iam::1:instance-profile/relay",
            createdAt: "",
        });
        const launch = await create("LaunchTemplate", template({ iamInstanceProfile: { name: "relay" } }));
        expect(launch.outputs).toMatchObject({ latestVersion: 1, defaultVersion: 1 });
        expect(await update(launch, { instanceType: "t4g.medium" })).toMatchObject({
            latestVersion: 2,
            defaultVersion: 1,
        });
        expect(await update(launch, { tags: { a: "b" } })).toMatchObject({ latestVersion: 2 });
        expect(await update(launch, { userData: "eA==", updateDefaultVersion: true })).toMatchObject({
            latestVersion: 3,
            defaultVersion: 3,
        });
    });

    it("is named by a prefix where there is one", async () => {
        const launch = await create("LaunchTemplate", template({ name: undefined, namePrefix: "canary-" }));
        expect(launch.outputs.name).toMatch(/^canary-\d{14}[0-9a-f]{12}$/);
    });
});

describe("a group", () => {
    it("changes in place, and keeps the size that its load has given it", async () => {
        const { group: canary } = await group();
        expect(canary.outputs).toMatchObject({ availabilityZones: ["eu-central-1a", "eu-central-1b"] });
        expect(groups.get("canary")).toMatchObject({ desired: 1 });
        groups.put("canary", { ...groups.get("canary")!, desired: 3 });
        await update(canary, { maxSize: 4 });
        expect(groups.get("canary")).toMatchObject({ max: 4, desired: 3 });
        await update(canary, { maxSize: 2 });
        expect(groups.get("canary")).toMatchObject({ desired: 2 });
    });

    it("begins a refresh when its template's version changes, and ends the one before", async () => {
        const { group: canary, launch } = await group({
            instanceRefresh: {
                strategy: "Rolling",
                preferences: { minHealthyPercentage: 100, instanceWarmup: "5" },
            },
        });
        await update(canary, { maxSize: 4 });
        expect(refreshes.all()).toEqual([]);
        await update(launch, { instanceType: "t4g.medium" });
        await update(canary, { launchTemplate: { id: launch.id, version: "2" } });
        expect(refreshes.all()).toMatchObject([
            { status: "InProgress", templateVersion: 2, minHealthyPercentage: 100, warmupSeconds: 5 },
        ]);
        await update(canary, { launchTemplate: { id: launch.id, version: "1" } });
        expect(
            refreshes
                .all()
                .map(({ status }) => status)
                .sort(),
        ).toEqual(["Cancelled", "InProgress"]);
    });
});

describe("parameters", () => {
    it("are encrypted on disk when they are secure, and count their versions", async () => {
        const secret = "a secret nobody finds";
        const one = await create("Parameter", {
            name: "/canary/secrets",
            type: "SecureString",
            value: secret,
        });
        expect(one.outputs).toMatchObject({
            arn: "arn:aws:ssm:eu-central-1:123456789012:parameter/canary/secrets",
            version: 1,
        });
        expect(kind("Parameter").secretOutputs).toEqual(["value"]);
        const files = readdirSync(labFolder, { recursive: true, encoding: "utf8", withFileTypes: true });
        const texts = files
            .filter((entry) => entry.isFile())
            .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
        expect(texts.join("")).not.toContain(secret);
        expect(parameters.all().map(plainValue)).toEqual([secret]);
        expect(await update(one, { value: "another" })).toMatchObject({ version: 2 });
    });

    it("tell the ids of Debian's images", async () => {
        const [getParameter] = computeFunctions;
        const name = "/aws/service/debian/release/13/latest/arm64";
        expect(await getParameter?.answer({ region, name })).toMatchObject({
            value: arm,
            insecureValue: arm,
        });
        await expect(getParameter?.answer({ region, name: "/aws/x" })).rejects.toThrow(
            "couldn't find resource",
        );
    });
});
