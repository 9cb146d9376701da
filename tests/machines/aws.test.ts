import "./ownLab";

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { apiRootFile } from "../../lab/authority";
import { operatorKeys } from "../../lab/amazon/keys";
import { applyDns } from "../../lab/cloudflare/dns/server";
import { removeLab } from "../../lab/machines/removeLab";
import { run } from "../../lab/workstation/run";
import { serviceState, stopService } from "../../lab/workstation/services";
import { execInMachine, killMachine } from "../../lab/machines/machines";
import { ensureClient, inNamespace } from "../../lab/network/network";
import { readNetwork } from "../../lab/network/state";
import { aws } from "../../lab/amazon";
import { groups, instances, refreshes, targets, type InstanceRecord } from "../../lab/amazon/records";
import type { ResourceKind } from "../../lab/cloud/kind";

/*
 * A group of Amazon's in a lab of its own: instances that come, serve, die, grow in number and change, and what they
 * may and may not reach. Its instances serve a few lines of Python, and take part when that runs.
 */

const region = "eu-central-1";
const name = "probe";
const context = {
    urn: "urn:test",
    name: "test",
    settings: { region, allowedAccountIds: ["123456789012"] },
    log: () => undefined,
};

const server = `
import boto3, botocore.utils, http.server, os, socket, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = (self.client_address[0] + " " + socket.gethostname()).encode()
        self.send_response(503 if os.path.exists("/run/sick") else 200)
        if self.path == "/stay":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/stay":
            while True:
                time.sleep(0.2)
                self.wfile.write(b"." * 1000)
                self.wfile.flush()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer.request_queue_size = 64
web = http.server.ThreadingHTTPServer(("0.0.0.0", 80), Handler)
threading.Thread(target=web.serve_forever).start()
fetcher = botocore.utils.InstanceMetadataRegionFetcher()
region = fetcher.retrieve_region()
identity = botocore.utils.IMDSFetcher()
token = identity._fetch_metadata_token()
instance = identity._get_request("latest/meta-data/instance-id", None, token=token).text
ssm = boto3.client("ssm", region_name=region)
open("/run/secret", "w").write(ssm.get_parameter(Name="/probe/secret", WithDecryption=True)["Parameter"]["Value"])
if "BROKEN" in "@{extra}":
    action = "ABANDON"
else:
    action = "CONTINUE"
boto3.client("autoscaling", region_name=region).complete_lifecycle_action(
    LifecycleHookName="ready", AutoScalingGroupName="${name}", LifecycleActionResult=action, InstanceId=instance)
`;

function userData(extra: string): string {
    const files = [
        { path: "/opt/server.py", content: server.replace("@{extra}", extra) },
        {
            path: "/etc/systemd/system/web.service",
            content: "[Service]\nExecStart=/usr/bin/python3 /opt/server.py\n",
        },
        {
            path: "/etc/guard.nft",
            content: readFileSync("config-templates/machine/metadata/metadata.nft", "utf8"),
        },
    ];
    const runcmd = [
        ["nft", "-f", "/etc/guard.nft"],
        ["systemctl", "start", "web.service"],
    ];
    const text = `#cloud-config\n${JSON.stringify({ write_files: files, runcmd })}\n`;
    return Buffer.from(text).toString("base64");
}

type Given = Record<string, unknown>;

interface Made {
    kind: ResourceKind;
    id: string;
    inputs: Given;
    outputs: Given;
}

async function create(type: string, inputs: Given): Promise<Made> {
    const kind = aws.kinds.find((one) => one.type.endsWith(`:${type}`));
    if (!kind) {
        throw new Error(`there is no ${type}`);
    }
    const given = kind.fromProvider.includes("region") ? { region, ...inputs } : inputs;
    return { kind, inputs: given, ...(await kind.create(given, context)) };
}

async function update(made: Made, changes: Given): Promise<void> {
    const inputs = { ...made.inputs, ...changes };
    const outputs = await made.kind.update({ ...made }, inputs, context);
    Object.assign(made, { inputs, outputs });
}

async function until<T>(
    what: string,
    seconds: number,
    find: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        const found = await find();
        if (found !== undefined && found !== false) {
            return found;
        }
        if (Date.now() > deadline) {
            throw new Error(
                `no ${what} within ${seconds} s: ${JSON.stringify([instances.all(), targets.all()])}`,
            );
        }
        await sleep(100);
    }
}

let address = "";
let group: Made;
let template: Made;
let ingress: Made;

/** What a listener is answered through the balancer; undefined when nothing comes. */
async function fetch(place = "client-ams3", path = "/"): Promise<string | undefined> {
    const argv = ["curl", "-sS", "-m", "1", `http://${address}${path}`];
    const { code, stdout } = await run(inNamespace(place, argv), { allow: "any" });
    return code === 0 ? stdout : undefined;
}

function serving(): InstanceRecord[] {
    const healthy = new Set(
        targets.all().flatMap(({ instanceId, state }) => (state === "healthy" ? [instanceId] : [])),
    );
    return instances.all().filter(({ id, lifecycle }) => lifecycle === "InService" && healthy.has(id));
}

async function one(): Promise<InstanceRecord> {
    return until("instance in service", 40, () => serving()[0]);
}

async function inMachine(id: string, argv: string[]): Promise<{ code: number; out: string }> {
    const { code, stdout, stderr } = await execInMachine(id, argv, { allow: "any", timeoutSeconds: 120 });
    return { code, out: stdout + stderr };
}

const metadata = "http://169.254.169.254/latest";

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot("a group of Amazon's", () => {
    beforeAll(async () => {
        await removeLab();
        await applyDns();
        await ensureClient("ams3");
        const vpc = await create("Vpc", { cidrBlock: "10.80.0.0/16" });
        const subnets = await Promise.all(
            ["a", "b"].map((zone, n) =>
                create("Subnet", {
                    vpcId: vpc.id,
                    cidrBlock: `10.80.${n}.0/24`,
                    availabilityZone: region + zone,
                    mapPublicIpOnLaunch: true,
                }),
            ),
        );
        const security = await create("SecurityGroup", { vpcId: vpc.id, name });
        const open = { securityGroupId: security.id, ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" };
        ingress = await create("SecurityGroupIngressRule", { ...open, fromPort: 80, toPort: 80 });
        await create("SecurityGroupEgressRule", { ...open, fromPort: 443, toPort: 443 });
        const trust = {
            Effect: "Allow",
            Principal: { Service: "ec2.amazonaws.com" },
            Action: "sts:AssumeRole",
        };
        await create("Role", {
            name,
            assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
        });
        const allowed = [
            { Action: "ssm:GetParameter", Resource: `arn:aws:ssm:${region}:*:parameter/probe/*` },
            { Action: "s3:GetObject", Resource: `arn:aws:s3:::${name}-artefacts/relay/*` },
            {
                Action: "autoscaling:CompleteLifecycleAction",
                Resource: `arn:aws:autoscaling:${region}:*:autoScalingGroup:*:autoScalingGroupName/${name}`,
            },
        ].map((statement) => ({ Effect: "Allow", ...statement }));
        await create("RolePolicy", {
            name,
            role: name,
            policy: JSON.stringify({ Version: "2012-10-17", Statement: allowed }),
        });
        await create("InstanceProfile", { name, role: name });
        await create("Parameter", { name: "/probe/secret", type: "SecureString", value: "open sesame" });
        await create("Parameter", { name: "/foreign/secret", type: "SecureString", value: "closed" });
        const own = `${name}-artefacts`;
        for (const bucket of [own, "somebody-elses"]) {
            await create("Bucket", { bucket });
        }
        for (const [bucket, key] of [
            [own, "relay/delivery"],
            [own, "other"],
            ["somebody-elses", "relay/delivery"],
        ] as const) {
            await create("BucketObjectv2", { bucket, key, content: `in ${bucket}/${key}` });
        }
        const eip = await create("Eip", {});
        address = String(eip.outputs.publicIp);
        const balancer = await create("LoadBalancer", {
            name,
            loadBalancerType: "network",
            enableCrossZoneLoadBalancing: true,
            subnetMappings: [{ subnetId: subnets[0]?.id, allocationId: eip.id }],
        });
        const target = await create("TargetGroup", {
            name,
            port: 80,
            protocol: "TCP",
            vpcId: vpc.id,
            deregistrationDelay: 8,
            healthCheck: {
                protocol: "HTTP",
                path: "/healthz",
                interval: 5,
                timeout: 2,
                healthyThreshold: 2,
                unhealthyThreshold: 2,
            },
        });
        await create("Listener", {
            loadBalancerArn: balancer.id,
            port: 80,
            protocol: "TCP",
            defaultActions: [{ type: "forward", targetGroupArn: target.id }],
        });
        template = await create("LaunchTemplate", {
            name,
            imageId: "ami-0deb1a13000000a64",
            instanceType: "t3.small",
            userData: userData(""),
            vpcSecurityGroupIds: [security.id],
            iamInstanceProfile: { name },
            metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
        });
        group = await create("Group", {
            name,
            minSize: 1,
            maxSize: 3,
            launchTemplate: { id: template.id, version: "1" },
            vpcZoneIdentifiers: subnets.map(({ id }) => id),
            targetGroupArns: [target.id],
            healthCheckType: "ELB",
            healthCheckGracePeriod: 5,
            initialLifecycleHooks: [
                {
                    name: "ready",
                    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
                    heartbeatTimeout: 60,
                },
            ],
            instanceRefresh: {
                strategy: "Rolling",
                preferences: { minHealthyPercentage: 100, instanceWarmup: "0" },
            },
            waitForCapacityTimeout: "60s",
        });
    }, 90_000);

    afterAll(removeLab, 30_000);

    it("has an instance that read its secret, and serves through the balancer with the listener's address kept", async () => {
        const { id, name: host } = await one();
        expect(host).toBe("probe-1");
        const answer = await until("answer", 10, () => fetch());
        expect(answer).toBe(`${readNetwork().endpoints["client-ams3"]?.address} probe-1`);
        expect(await inMachine(id, ["cat", "/run/secret"])).toEqual({ code: 0, out: "open sesame" });
    });

    it("gives metadata by token only, to root only, and to the instance only", async () => {
        const { id } = await one();
        const status = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "2"];
        expect((await inMachine(id, [...status, `${metadata}/meta-data/`])).out).toBe("401");
        const token = `curl -s -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" ${metadata}/api/token`;
        const ask = (path: string) =>
            `curl -s -H "X-aws-ec2-metadata-token: $(${token})" ${metadata}/${path}`;
        expect((await inMachine(id, ["sh", "-c", ask("meta-data/instance-id")])).out).toBe(id);
        expect((await inMachine(id, ["sh", "-c", ask("meta-data/placement/region")])).out).toBe(region);
        const nobody = ["setpriv", "--reuid=nobody", "--clear-groups", ...status, `${metadata}/meta-data/`];
        expect((await inMachine(id, nobody)).out).toBe("000");
        const outside = await run(inNamespace("client-ams3", [...status, `${metadata}/meta-data/`]), {
            allow: "any",
        });
        expect(outside.stdout).toBe("000");
        const hops = await inMachine(id, [
            "sh",
            "-c",
            "nft add table ip t && nft add chain ip t i '{ type filter hook input priority 0; }' && nft add rule ip t i ip saddr 169.254.169.254 ip ttl != 1 counter && " +
                ask("meta-data/instance-id") +
                " >/dev/null && nft list table ip t && nft delete table ip t",
        ]);
        expect(hops.out).toContain("counter packets 0");
    });

    it("lets its role do what its policies allow, and nothing else", async () => {
        const { id } = await one();
        const script = `
import boto3
def attempt(service, call, **keys):
    try:
        print(call(boto3.client(service, region_name="${region}", **keys)))
    except Exception as error:
        print(error)
attempt("sts", lambda sts: sts.get_caller_identity()["Arn"])
attempt("ssm", lambda ssm: ssm.get_parameter(Name="/foreign/secret"))
attempt("ssm", lambda ssm: ssm.put_parameter(Name="/probe/secret", Value="x", Overwrite=True))
attempt("autoscaling", lambda groups: groups.describe_auto_scaling_groups())
attempt("cloudwatch", lambda c: c.put_metric_data(Namespace="A", MetricData=[{"MetricName": "x", "Value": 1}]))
attempt("ssm", lambda ssm: ssm.get_parameter(Name="/probe/secret"), aws_access_key_id="AKIAX", aws_secret_access_key="x")
def read(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
attempt("s3", lambda s3: read(s3, "${name}-artefacts", "relay/delivery"))
attempt("s3", lambda s3: read(s3, "${name}-artefacts", "other"))
attempt("s3", lambda s3: read(s3, "somebody-elses", "relay/delivery"))
attempt("s3", lambda s3: s3.list_objects_v2(Bucket="${name}-artefacts"))
attempt("s3", lambda s3: read(s3, "${name}-artefacts", "relay/delivery"), aws_access_key_id="AKIAX", aws_secret_access_key="x")
`;
        const { out } = await inMachine(id, ["python3", "-c", script]);
        const me = `arn:aws:sts::123456789012:assumed-role/probe/${id}`;
        const refused = (action: string) => `${me} is not authorized to perform: ${action}`;
        const [who, foreign, overwritten, groups, metric, unknown, ...objects] = out.trim().split("\n");
        expect(who).toBe(me);
        expect(foreign).toContain("AccessDeniedException");
        expect(foreign).toContain(
            refused(
                "ssm:GetParameter on resource: arn:aws:ssm:eu-central-1:123456789012:parameter/foreign/secret",
            ),
        );
        expect(overwritten).toContain(refused("ssm:PutParameter"));
        expect(groups).toContain(refused("autoscaling:DescribeAutoScalingGroups"));
        expect(metric).toContain(refused("cloudwatch:PutMetricData"));
        expect(unknown).toContain("UnrecognizedClientException");
        const denied = (action: string): unknown =>
            expect.stringContaining(`(AccessDenied) when calling the ${action}`);
        expect(objects).toEqual([
            `in ${name}-artefacts/relay/delivery`,
            denied("GetObject"),
            denied("GetObject"),
            denied("ListObjectsV2"),
            expect.stringContaining("(InvalidAccessKeyId)"),
        ]);
    });

    it("answers the operator's SDK", async () => {
        const script = `
            const { AutoScalingClient, CancelInstanceRefreshCommand, DescribeAutoScalingGroupsCommand,
                UpdateAutoScalingGroupCommand } = require("@aws-sdk/client-auto-scaling");
            const { SSMClient, GetParameterCommand } = require("@aws-sdk/client-ssm");
            (async () => {
                const group = await new AutoScalingClient({ region: "${region}" }).send(
                    new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ["${name}"] }));
                const ssm = await new SSMClient({ region: "${region}" }).send(
                    new GetParameterCommand({ Name: "/probe/secret", WithDecryption: true }));
                const groups = new AutoScalingClient({ region: "${region}" });
                const { LaunchTemplateId, Version } = group.AutoScalingGroups[0].LaunchTemplate;
                await groups.send(new UpdateAutoScalingGroupCommand({
                    AutoScalingGroupName: "${name}", LaunchTemplate: { LaunchTemplateId, Version } }));
                const none = await groups.send(
                    new CancelInstanceRefreshCommand({ AutoScalingGroupName: "${name}" })).catch((error) => error.name);
                console.log(group.AutoScalingGroups[0].Instances[0].LifecycleState, ssm.Parameter.Value, none);
            })();`;
        const { id, secret } = operatorKeys();
        const { stdout } = await run(inNamespace("operator", [process.execPath, "-e", script]), {
            env: {
                PATH: process.env.PATH,
                AWS_ACCESS_KEY_ID: id,
                AWS_SECRET_ACCESS_KEY: secret,
                NODE_EXTRA_CA_CERTS: apiRootFile,
            },
            timeoutSeconds: 120,
        });
        expect(stdout).toBe("InService open sesame ActiveInstanceRefreshNotFoundFault\n");
    });

    it("is closed where its security group is", async () => {
        const { address: instance } = await one();
        const knock = async (port: number) => {
            const argv = ["curl", "-sv", "-m", "1", `telnet://${instance}:${port}`];
            const { stderr } = await run(inNamespace("client-ams3", argv), { allow: "any" });
            return stderr.includes("Connected to");
        };
        expect(await knock(22)).toBe(false);
        expect(await knock(80)).toBe(true);
        await update(ingress, { cidrIpv4: "198.19.255.0/24" });
        await until("silence", 5, async () => ((await fetch()) === undefined ? true : undefined));
        await update(ingress, { cidrIpv4: "0.0.0.0/0" });
        await until("answer", 5, () => fetch());
    });

    it("replaces an instance that is killed, though its daemon was killed before", async () => {
        const { id } = await one();
        await stopService("aws");
        await killMachine(id);
        await update(group, { maxSize: 3 });
        expect(serviceState("aws")).toBe("running");
        const started = Date.now();
        const next = await until("another instance", 40, () => serving().find((one) => one.id !== id));
        expect(next.name).toMatch(/^probe-[12]$/);
        expect(await until("answer", 5, () => fetch())).toContain(next.name);
        console.log(`killed, replaced and serving after ${Date.now() - started} ms`);
    }, 60_000);

    it("grows over the zones and shrinks without cutting a listener off", async () => {
        await update(group, { desiredCapacity: 2 });
        const both = await until("second instance", 40, () =>
            serving().length === 2 ? serving() : undefined,
        );
        expect(new Set(both.map(({ zone }) => zone)).size).toBe(2);
        const listeners = Array.from({ length: 8 }, () => {
            const argv = ["curl", "-sN", "-m", "15", `http://${address}/stay`];
            return run(inNamespace("client-ams3", argv), { allow: "any" });
        });
        const hosts = new Set<string | undefined>();
        await until("both", 5, async () => {
            hosts.add((await fetch())?.split(" ")[1]);
            return hosts.size >= 2 ? true : undefined;
        });
        const began = Date.now();
        await update(group, { desiredCapacity: 1 });
        const leaving = await until("one that leaves", 5, () =>
            instances.all().find(({ lifecycle }) => lifecycle === "Terminating"),
        );
        // It keeps its listeners up to the limit, and gets no new ones.
        await until("its removal from the balancer", 3, () =>
            readNetwork().balancers?.every(({ targets }) => targets.length === 1) ? true : undefined,
        );
        for (let n = 0; n < 10; n++) {
            expect(await fetch()).not.toContain(leaving.name);
        }
        await until("its end", 30, () => (instances.get(leaving.id) ? undefined : true));
        expect(Date.now() - began).toBeGreaterThan(8000);
        await Promise.all(listeners);
    }, 90_000);

    it("refreshes one by one, and stops at the first that does not become well", async () => {
        const before = await one();
        await update(template, { userData: userData("BROKEN") });
        await update(group, { launchTemplate: { id: template.id, version: "2" }, desiredCapacity: 1 });
        const failed = await until("failure", 40, () =>
            refreshes.all().find(({ status }) => status === "Failed"),
        );
        expect(failed.reason).toContain("answered with ABANDON");
        expect(instances.get(before.id)?.lifecycle).toBe("InService");
        expect(groups.get(name)?.desired).toBe(1);
        await update(template, { userData: userData("better") });
        await update(group, { launchTemplate: { id: template.id, version: "3" } });
        await until("success", 60, () => refreshes.all().find(({ status }) => status === "Successful"));
        expect(serving().map(({ templateVersion }) => templateVersion)).toEqual([3]);
        expect(await until("answer", 5, () => fetch())).toBeDefined();
    }, 120_000);

    it("goes with all its machines", async () => {
        await group.kind.delete({ ...group }, context);
        expect(instances.all()).toEqual([]);
        expect(groups.all()).toEqual([]);
    }, 60_000);
});
