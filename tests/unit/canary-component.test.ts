import { createHash } from "node:crypto";

import { parse } from "yaml";

import { checkedSecrets } from "../../components/canary/parameters";
import { balancerName } from "../../components/canary/balancer";
import { isSecret, reveal, type Recorded } from "../support/mocks";
import { recordGroup } from "../support/canary";
import { readDelivery } from "../support/readDelivery";
import { relayPlan } from "../support/relayPlan";

jest.setTimeout(60_000);

let resources: Recorded[];
let addresses: string[];

beforeAll(async () => {
    ({ resources, addresses } = await recordGroup());
});

function ofType(type: string, among = resources): Recorded[] {
    return among.filter((resource) => resource.type === `aws:${type}`);
}

function only(type: string, among = resources): Record<string, unknown> {
    const [found, ...others] = ofType(type, among);
    if (!found || others.length > 0) {
        throw new Error(`${others.length + (found ? 1 : 0)} of ${type}`);
    }
    return found.inputs;
}

interface Document {
    packages: string[];
    users: unknown[];
    bootcmd: string[][];
    write_files: { path: string; content: string; permissions: string }[];
    runcmd: string[][];
}

function userData(among = resources): { text: string; document: Document } {
    const { userData: encoded } = only("ec2/launchTemplate:LaunchTemplate", among);
    const text = Buffer.from(String(reveal(encoded)), "base64").toString();
    return { text, document: parse(text) as Document };
}

function groupSettings(among = resources): Record<string, unknown> {
    const file = userData(among).document.write_files.find(({ path }) => path === "/etc/aerial/canary.json");
    return JSON.parse(file?.content ?? "") as Record<string, unknown>;
}

/** What the object in the bucket of artefacts holds. */
function deliveryText(among = resources): string {
    return String(only("s3/bucketObjectv2:BucketObjectv2", among).content);
}

describe("what an instance may do", () => {
    it("is exactly what these statements allow", () => {
        expect(only("iam/rolePolicy:RolePolicy").policy).toEqual({
            Version: "2012-10-17",
            Statement: [
                {
                    Sid: "ReadOwnSecrets",
                    Effect: "Allow",
                    Action: ["ssm:GetParameter"],
                    Resource: ["arn:aws:ssm:eu-central-1:123456789012:parameter/aerial-test/relay/secrets"],
                },
                {
                    Sid: "ReadOwnDelivery",
                    Effect: "Allow",
                    Action: ["s3:GetObject"],
                    Resource: ["arn:aws:s3:::radio-test-artefacts/relay/*"],
                },
                {
                    Sid: "SayWhyNotWell",
                    Effect: "Allow",
                    Action: ["ssm:PutParameter"],
                    Resource: ["arn:aws:ssm:eu-central-1:123456789012:parameter/aerial-test/relay/report"],
                },
                {
                    Sid: "PublishOwnMetrics",
                    Effect: "Allow",
                    Action: ["cloudwatch:PutMetricData"],
                    Resource: ["*"],
                    Condition: { StringEquals: { "cloudwatch:namespace": "aerial-test" } },
                },
                {
                    Sid: "AnswerToOwnGroup",
                    Effect: "Allow",
                    Action: [
                        "autoscaling:CompleteLifecycleAction",
                        "autoscaling:RecordLifecycleActionHeartbeat",
                    ],
                    Resource: [
                        "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:*:" +
                            "autoScalingGroupName/aerial-test-canary-*",
                    ],
                },
            ],
        });
        expect(ofType("iam/rolePolicyAttachment:RolePolicyAttachment")).toEqual([]);
        expect(only("iam/role:Role")).not.toHaveProperty("managedPolicyArns");
    });

    it("is for instances only", () => {
        expect(only("iam/role:Role").assumeRolePolicy).toEqual({
            Version: "2012-10-17",
            Statement: [
                { Effect: "Allow", Action: ["sts:AssumeRole"], Principal: { Service: "ec2.amazonaws.com" } },
            ],
        });
    });
});

describe("the network", () => {
    const rules = (direction: "Ingress" | "Egress"): string[] =>
        ofType(`vpc/securityGroup${direction}Rule:SecurityGroup${direction}Rule`)
            .map(({ inputs }) => {
                expect(inputs.ipProtocol).toBe("tcp");
                expect(inputs.toPort).toBe(inputs.fromPort);
                return `${String(inputs.cidrIpv4)} ${String(inputs.fromPort)}`;
            })
            .sort();

    it("lets listeners in, and nobody else, least of all by SSH", () => {
        expect(rules("Ingress")).toEqual(["0.0.0.0/0 443", "0.0.0.0/0 80"]);
        expect(only("ec2/securityGroup:SecurityGroup")).not.toHaveProperty("ingress");
        expect(only("ec2/securityGroup:SecurityGroup")).not.toHaveProperty("egress");
    });

    it("lets machines out to the Masters by address, and to everywhere at 80 and 443 only", () => {
        expect(rules("Egress")).toEqual([
            "0.0.0.0/0 443",
            "0.0.0.0/0 80",
            "198.19.0.1/32 8443",
            "198.19.0.1/32 8444",
            "198.19.0.2/32 8443",
            "198.19.0.2/32 8444",
        ]);
    });

    it("has a public subnet in every zone", () => {
        expect(
            ofType("ec2/subnet:Subnet").map(({ inputs }) => [
                inputs.availabilityZone,
                inputs.cidrBlock,
                inputs.mapPublicIpOnLaunch,
            ]),
        ).toEqual([
            ["eu-central-1a", "10.78.0.0/24", true],
            ["eu-central-1b", "10.78.1.0/24", true],
        ]);
        expect(ofType("ec2/routeTableAssociation:RouteTableAssociation")).toHaveLength(2);
    });
});

describe("the balancer", () => {
    it("has a fixed address in every zone, and the component outputs it", () => {
        const { subnetMappings, enableCrossZoneLoadBalancing } = only("lb/loadBalancer:LoadBalancer");
        expect(subnetMappings).toHaveLength(2);
        expect(new Set((subnetMappings as { allocationId: string }[]).map((m) => m.allocationId))).toEqual(
            new Set(["eu-central-1a", "eu-central-1b"].map((z) => `eipalloc-canary-${z}-address`)),
        );
        expect(enableCrossZoneLoadBalancing).toBe(true);
        expect(addresses).toHaveLength(2);
        expect(new Set(addresses).size).toBe(2);
    });

    it("takes 80 and 443 as they are, checks /healthz, and cuts nobody before the drain limit", () => {
        const groups = ofType("lb/targetGroup:TargetGroup").map(({ inputs }) => inputs);
        expect(groups.map(({ port, protocol }) => [port, protocol])).toEqual([
            [80, "TCP"],
            [443, "TCP"],
        ]);
        for (const group of groups) {
            expect(group).toMatchObject({
                deregistrationDelay: 1800,
                connectionTermination: false,
                preserveClientIp: "true",
                healthCheck: { protocol: "HTTP", port: "80", path: "/healthz", matcher: "200" },
                targetHealthStates: [{ enableUnhealthyConnectionTermination: false }],
            });
        }
        expect(ofType("lb/listener:Listener").map(({ inputs }) => inputs.port)).toEqual([80, 443]);
    });

    it.each(["aerial-prod", "aerial-a-stack-with-a-very-long-name-indeed"])(
        "of %s has a name that Amazon takes",
        (prefix) => {
            expect(balancerName(prefix)).toMatch(/^[a-zA-Z0-9](-?[a-zA-Z0-9])*$/);
            expect(balancerName(prefix).length).toBeLessThanOrEqual(32);
        },
    );
});

describe("the launch template", () => {
    it("demands tokens of the metadata service, encrypts the disk, and opens no login", () => {
        const template = only("ec2/launchTemplate:LaunchTemplate");
        expect(template).toMatchObject({
            imageId: "ami-0123456789abcdef0",
            instanceType: "t4g.small",
            metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
            monitoring: { enabled: true },
            blockDeviceMappings: [{ ebs: { encrypted: "true", volumeType: "gp3", volumeSize: 8 } }],
        });
        expect(template).not.toHaveProperty("keyName");
        const { document } = userData();
        expect(document.users).toEqual([]);
        expect(document.bootcmd[0]).toEqual(expect.arrayContaining(["mask", "ssh.service", "ssh.socket"]));
        expect(document.packages).toEqual(["python3-boto3"]);
        const { packages } = readDelivery(deliveryText());
        expect(packages).toEqual(expect.arrayContaining(["python3-boto3", "icecast2", "nginx"]));
        expect(packages).not.toContain("openssh-server");
    });

    it("has user data in plain text, within EC2's 16 KB", () => {
        const { text } = userData();
        expect(text.startsWith("#cloud-config\n")).toBe(true);
        expect(Buffer.byteLength(text)).toBeLessThan(15_000);
    });

    it("has user data that EC2 would not take refused at preview, before the Masters' addresses are known", async () => {
        const unknown = new Promise<never>(() => {});
        const prefix = "long-".repeat(3000);
        await expect(recordGroup({ prefix, masters: [unknown, unknown] })).rejects.toThrow(
            /user data of canary has \d+ bytes, \d+ more than the provider takes/,
        );
    });

    it("holds no secret, and neither does the delivery in the bucket", () => {
        const { secrets, ...rest } = readDelivery(deliveryText());
        expect(secrets).toEqual({ values: {}, files: {} });
        for (const text of [userData().text, JSON.stringify(rest)]) {
            expect(text.match(/password of|private (key|PEM) of/)).toBeNull();
        }
    });

    it("starts what reads the delivery, and never waits for it, because it waits for cloud-init", () => {
        const { runcmd, write_files: files } = userData().document;
        expect(runcmd.at(-1)).toEqual(["systemctl", "enable", "--now", "aerial-join.service"]);
        const unit = files.find(({ path }) => path === "/etc/systemd/system/aerial-join.service");
        expect(unit?.content).toContain("\nType=exec\n");
        expect(files.map(({ path }) => path)).toEqual(
            expect.arrayContaining(["/usr/local/sbin/aerial-join", "/usr/local/sbin/aerial-receive"]),
        );
    });
});

describe("the delivery", () => {
    it("is one object, under a key of its own that says its hash, which user data has too", () => {
        const { bucket, key, sha256 } = groupSettings();
        expect(sha256).toBe(createHash("sha256").update(deliveryText()).digest("hex"));
        const object = only("s3/bucketObjectv2:BucketObjectv2");
        expect([bucket, key]).toEqual([object.bucket, object.key]);
        expect(bucket).toBe("radio-test-artefacts");
        // The first part is made anew for another delivery, and for one that comes back after a rollout that failed: the
        // object from before it is not gone by then.
        expect(key).toMatch(new RegExp(`^relay/[0-9a-f]{12}/${String(sha256)}$`));
        const random = resources.filter(({ type }) => type === "random:index/randomId:RandomId");
        const place = random.find(({ name }) => name === "canary-delivery");
        expect(place?.inputs.keepers).toEqual({ sha256 });
    });

    it("stands in no parameter", () => {
        const parameters = ofType("ssm/parameter:Parameter").map(({ name }) => name);
        expect(parameters.sort()).toEqual(["canary-report", "canary-secrets"]);
    });

    it("makes of an instance a Relay that gets new secrets by itself, and that nobody logs in to", () => {
        const { files, units, ready_seconds } = readDelivery(deliveryText());
        const paths = files.map(({ path }) => path);
        expect(paths).toEqual(
            expect.arrayContaining(["/usr/local/sbin/aerial-secrets-sync", "/etc/aerial/icecast/a.xml"]),
        );
        expect(paths.some((path) => path.includes("ssh"))).toBe(false);
        expect(units).toEqual(expect.arrayContaining(["aerial-feed.service", "aerial-secrets-sync.timer"]));
        expect(ready_seconds).toBe(300);
    });

    it("of a changed role lies elsewhere, so that machines of the old template keep theirs", async () => {
        const changed = await recordGroup({ stationName: "Radio Changed" });
        expect(groupSettings(changed.resources).key).not.toBe(groupSettings().key);
    });

    it("of a station with 32 channels needs no more user data", async () => {
        const { channels, names } = relayPlan();
        const many = Array.from({ length: 32 }, (_, index) => ({
            ...channels[0]!,
            id: `channel-${index}`,
            title: `Channel number ${index}`,
            formats: channels[0]!.formats.map((format) => ({
                ...format,
                mount: `/channel-${index}.${format.codec}`,
            })),
        }));
        const { resources: large } = await recordGroup({ channels: many, names });
        expect(userData(large).text.length).toBe(userData().text.length);
    });
});

describe("the bucket of artefacts", () => {
    const of = { bucket: "radio-test-artefacts" };
    const setting = (type: string) => only(`s3/bucket${type}:Bucket${type}`);

    it("goes with all that is in it, which is made from the code, and has no locks", () => {
        expect(only("s3/bucket:Bucket")).toEqual({ ...of, forceDestroy: true });
        expect(ofType("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")).toEqual([]);
    });

    it("is closed to the public, encrypted, and open over TLS only", () => {
        expect(setting("PublicAccessBlock")).toEqual({
            ...of,
            blockPublicAcls: true,
            blockPublicPolicy: true,
            ignorePublicAcls: true,
            restrictPublicBuckets: true,
        });
        expect(setting("OwnershipControls")).toEqual({
            ...of,
            rule: { objectOwnership: "BucketOwnerEnforced" },
        });
        expect(setting("ServerSideEncryptionConfiguration")).toEqual({
            ...of,
            rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
        });
        expect(JSON.parse(String(setting("Policy").policy))).toEqual({
            Version: "2012-10-17",
            Statement: [
                {
                    Sid: "TlsOnly",
                    Effect: "Deny",
                    Principal: "*",
                    Action: "s3:*",
                    Resource: ["arn:aws:s3:::radio-test-artefacts", "arn:aws:s3:::radio-test-artefacts/*"],
                    Condition: { Bool: { "aws:SecureTransport": "false" } },
                },
            ],
        });
    });

    it("keeps what was overwritten or deleted for 90 days", () => {
        expect(setting("Versioning")).toEqual({ ...of, versioningConfiguration: { status: "Enabled" } });
        expect(setting("LifecycleConfiguration")).toEqual({
            ...of,
            rules: [
                {
                    id: "clean",
                    status: "Enabled",
                    filter: {},
                    noncurrentVersionExpiration: { noncurrentDays: 90 },
                    expiration: { expiredObjectDeleteMarker: true },
                    abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
                },
            ],
        });
    });
});

describe("the secrets", () => {
    it("are one encrypted parameter that holds them as a delivery does", () => {
        const secrets = resources.find(({ name }) => name === "canary-secrets")?.inputs;
        expect(secrets).toMatchObject({ name: "/aerial-test/relay/secrets", type: "SecureString" });
        expect(isSecret(secrets?.value)).toBe(true);
        expect(JSON.parse(String(reveal(secrets?.value)))).toEqual({
            values: { "relay.link": "relay-2:password of credentials-link-2" },
            files: { "ca.pem": [1, 2, 3].map((n) => `certificate authority-certificate-${n}\n`).join("") },
        });
    });

    it("that no parameter holds are refused, without showing them", () => {
        expect(checkedSecrets("x".repeat(4096))).toBe("x".repeat(4096));
        expect(() => checkedSecrets("hunter2 ".repeat(513))).toThrow(
            /^the secrets of the canary have 4104 bytes, and a parameter holds 4096; deliver fewer certificates to it$/,
        );
    });
});

describe("the group", () => {
    it("takes an instance into service only when it reports that it is healthy, and then trusts the balancer", () => {
        const group = only("autoscaling/group:Group");
        expect(group).toMatchObject({
            name: expect.stringMatching(/^aerial-test-canary-[0-9a-f]+$/),
            minSize: 1,
            maxSize: 4,
            healthCheckType: "ELB",
            launchTemplate: { version: "1" },
            initialLifecycleHooks: [
                {
                    name: "join",
                    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
                    defaultResult: "ABANDON",
                },
            ],
            instanceRefresh: {
                strategy: "Rolling",
                preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 200, skipMatching: true },
            },
        });
        // The scaling decides it; a value here would undo that at every `up`.
        expect(group).not.toHaveProperty("desiredCapacity");
    });

    it("has another name when its hooks change, so that the new group stands beside the old one", () => {
        const generation = resources.find(({ name }) => name === "canary-generation");
        const { hooks } = generation?.inputs.keepers as { hooks: string };
        expect(JSON.parse(hooks)).toEqual(only("autoscaling/group:Group").initialLifecycleHooks);
    });

    it("grows by the bytes that an instance sends", () => {
        expect(only("autoscaling/policy:Policy")).toMatchObject({
            policyType: "TargetTrackingScaling",
            targetTrackingConfiguration: {
                predefinedMetricSpecification: { predefinedMetricType: "ASGAverageNetworkOut" },
                targetValue: 660_000_000,
            },
        });
    });

    it("is waited for by a command that gets everything it needs", () => {
        const wait = resources.find(({ type }) => type === "command:local:Command");
        expect(wait?.inputs).toMatchObject({
            create: "node components/canary/await-refresh.mjs",
            environment: {
                AERIAL_REGION: "eu-central-1",
                AERIAL_GROUP: only("autoscaling/group:Group").name,
                AERIAL_REPORT: "/aerial-test/relay/report",
                AERIAL_TEMPLATE_VERSION: "1",
            },
        });
        const order = resources.map(({ type }) => type);
        expect(order.indexOf("command:local:Command")).toBeGreaterThan(
            order.indexOf("aws:autoscaling/group:Group"),
        );
    });

    it("starts no instance before its delivery, parameters, permissions, routes and the balancer's listeners exist", () => {
        const made = resources.map(({ type, name }) => `${type} ${name}`);
        const at = made.indexOf("aws:autoscaling/group:Group canary-group");
        for (const first of [
            "s3/bucketObjectv2:BucketObjectv2 canary-delivery",
            "ssm/parameter:Parameter canary-secrets",
            "ssm/parameter:Parameter canary-report",
            "iam/rolePolicy:RolePolicy canary-policy",
            "lb/listener:Listener canary-listener-443",
            "vpc/securityGroupEgressRule:SecurityGroupEgressRule canary-link-2",
        ]) {
            expect(made).toContain(`aws:${first}`);
            expect(made.indexOf(`aws:${first}`)).toBeLessThan(at);
        }
    });

    it("has a budget that warns by mail", () => {
        expect(only("budgets/budget:Budget")).toMatchObject({
            limitAmount: "200",
            limitUnit: "USD",
            timeUnit: "MONTHLY",
            notifications: [
                {
                    notificationType: "ACTUAL",
                    threshold: 80,
                    subscriberEmailAddresses: ["tech@radio.test"],
                },
                {
                    notificationType: "FORECASTED",
                    threshold: 100,
                    subscriberEmailAddresses: ["tech@radio.test"],
                },
            ],
        });
    });
});
