import { createHash, randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";

import { parse } from "yaml";

import { cutPack, pieceCount } from "../../components/canary/pieces";
import { balancerName } from "../../components/canary/balancer";
import { isSecret, reveal, type Recorded } from "../support/mocks";
import { recordGroup } from "../support/canary";
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

function pieces(among = resources): { name: string; value: string }[] {
    return ofType("ssm/parameter:Parameter", among)
        .filter(({ name }) => name.startsWith("canary-files-"))
        .map(({ inputs }) => ({ name: String(inputs.name), value: String(reveal(inputs.value)) }))
        .sort((one, other) => one.name.localeCompare(other.name));
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
                    Sid: "ReadOwnFiles",
                    Effect: "Allow",
                    Action: ["ssm:GetParameters"],
                    Resource: ["arn:aws:ssm:eu-central-1:123456789012:parameter/aerial-test/relay/files/*"],
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
        expect(document.packages).toEqual(expect.arrayContaining(["python3-boto3", "icecast2", "nginx"]));
        expect(document.packages).not.toContain("openssh-server");
    });

    it("has user data in plain text, well within EC2's 16 KB", () => {
        const { text } = userData();
        expect(text.startsWith("#cloud-config\n")).toBe(true);
        expect(Buffer.byteLength(text)).toBeLessThan(12_000);
    });

    it("has user data that EC2 would not take refused at preview, before the Masters' addresses are known", async () => {
        const unknown = new Promise<never>(() => {});
        const prefix = "long-".repeat(3000);
        await expect(recordGroup({ prefix, masters: [unknown, unknown] })).rejects.toThrow(
            /user data of canary .*\d+ bytes.*; take packages out of the role, or shorten that file/s,
        );
    });

    it("holds no secret, and neither do the files", () => {
        const list = gunzipSync(
            Buffer.from(
                pieces()
                    .map(({ value }) => value)
                    .join(""),
                "base64",
            ),
        ).toString();
        for (const text of [userData().text, list]) {
            expect(text).not.toContain("password of");
            expect(text).not.toContain("private");
        }
    });

    it("fetches files and then starts the units, and never waits for the one that waits for cloud-init", () => {
        const { runcmd } = userData().document;
        expect(runcmd[0]).toEqual(["/usr/local/sbin/aerial-fetch"]);
        expect(runcmd.at(-1)).toEqual(
            expect.arrayContaining(["enable", "--now", "aerial-join.service", "aerial-secrets-sync.timer"]),
        );
    });
});

describe("the files", () => {
    it("lie in pieces below a path of their own, in the order in which machines read them", () => {
        const settings = groupSettings();
        const found = pieces();
        expect(found).toHaveLength(pieceCount);
        expect(settings.pieces).toBe(pieceCount);
        expect(found.map(({ name }) => name)).toEqual(
            found.map((_, index) => `${String(settings.files)}/${String(index + 1).padStart(2, "0")}`),
        );
        expect(found.every(({ value }) => value.length > 0 && value.length <= 4000)).toBe(true);
        const list = gunzipSync(Buffer.from(found.map(({ value }) => value).join(""), "base64"));
        const sha256 = createHash("sha256").update(list).digest("hex");
        expect(settings.sha256).toBe(sha256);
        // Made anew with other files, and with files that come back after a rollout that failed: those from before it
        // are not gone by then.
        const place = resources.find(({ name }) => name === "canary-files");
        expect(place?.inputs.keepers).toEqual({ sha256 });
        expect(settings.files).toMatch(/^\/aerial-test\/relay\/files\/[0-9a-f]{12}$/);
        const files = JSON.parse(list.toString()) as { path: string }[];
        expect(files.map(({ path }) => path)).toEqual(
            expect.arrayContaining(["/usr/local/sbin/aerial-join", "/etc/aerial/templates/icecast.xml"]),
        );
        expect(files.some(({ path }) => path.includes("ssh"))).toBe(false);
    });

    it("of a changed role lie elsewhere, so that machines of the old template keep theirs", async () => {
        const changed = await recordGroup({ stationName: "Radio Changed" });
        expect(groupSettings(changed.resources).files).not.toBe(groupSettings().files);
        const before = new Set(pieces().map(({ name }) => name));
        expect(pieces(changed.resources).some(({ name }) => before.has(name))).toBe(false);
    });

    it("that are too many are refused, with the remedy", () => {
        const compressed = Buffer.alloc(48_001, 1);
        expect(() => cutPack({ compressed, sha256: "" }, "canary")).toThrow(
            /files of canary have 48001 bytes when compressed, 1 more than 16 parameters hold; describe fewer/,
        );
        expect(cutPack({ compressed: compressed.subarray(1), sha256: "" }, "m")).toHaveLength(pieceCount);
    });

    it("that are too many are refused at preview, before the Masters' addresses are known", async () => {
        const unknown = new Promise<never>(() => {});
        const stationName = randomBytes(60_000).toString("hex");
        await expect(recordGroup({ stationName, masters: [unknown, unknown] })).rejects.toThrow(
            /files of canary have \d+ bytes when compressed, \d+ more than 16 parameters hold/,
        );
    });

    it("of a station with eight channels still fit", async () => {
        const { channels, names } = relayPlan();
        const many = Array.from({ length: 8 }, (_, index) => ({
            ...channels[0]!,
            id: `channel-${index}`,
            title: `Channel number ${index}`,
            formats: channels[0]!.formats.map((format) => ({
                ...format,
                mount: `/channel-${index}.${format.codec}`,
            })),
        }));
        const { resources: large } = await recordGroup({ channels: many, names });
        expect(Math.max(...pieces(large).map(({ value }) => value.length))).toBeLessThanOrEqual(4000);
    });
});

describe("the secrets", () => {
    it("are one encrypted parameter that holds what aerial-secrets reads", () => {
        const secrets = resources.find(({ name }) => name === "canary-secrets")?.inputs;
        expect(secrets).toMatchObject({ name: "/aerial-test/relay/secrets", type: "SecureString" });
        expect(isSecret(secrets?.value)).toBe(true);
        expect(JSON.parse(String(reveal(secrets?.value)))).toEqual({
            values: { "relay.link": expect.stringContaining("password") as unknown },
            files: { "ca.pem": "certificate authority-certificate" },
        });
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

    it("starts no instance before its parameters, permissions, routes and the balancer's listeners exist", () => {
        const names = resources.map(({ name }) => name);
        const at = names.indexOf("canary-group");
        for (const name of ["files-16", "secrets", "report", "policy", "listener-443", "link-2"]) {
            expect(names.indexOf(`canary-${name}`)).toBeLessThan(at);
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
