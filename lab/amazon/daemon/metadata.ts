import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { z } from "zod";

import { templates, type TemplateVersion } from "../compute/cloud";
import { architectureOf } from "../compute/facts";
import { groups, instances, type InstanceRecord } from "../compute/groups";
import { instanceProfiles, roles } from "../iam/cloud";
import { seal, sessionKeys, unseal } from "./credentials";

/*
 * The metadata service, version 2: answers are for those only who hold a token, which an instance gets by a PUT that no
 * forwarding proxy has passed on. Who asks is told by the address, which nobody else can send from.
 */

const longestTtlSeconds = 21_600;

/** How long an instance's keys are valid, and how long before their end there are new ones. */
const keySeconds = 6 * 3600;

const tokenClaim = z.object({ instance: z.string(), expires: z.number() });

/** What an instance is told of. */
export interface Subject {
    instance: InstanceRecord;
    template: TemplateVersion;
    accountId: string;
    tags: Record<string, string>;
    profile?: { name: string; arn: string; role?: string };
}

export function metadataServer(): Server {
    return createServer({ keepAliveTimeout: 1000 }, (request, response) => {
        try {
            respond(request, response);
        } catch (error) {
            console.error(error);
            response.writeHead(500).end();
        }
    });
}

function respond(request: IncomingMessage, response: ServerResponse): void {
    const subject = subjectAt(request.socket.remoteAddress ?? "");
    if (!subject) {
        send(response, 404);
        return;
    }
    const id = subject.instance.id;
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (request.method === "PUT") {
        const ttl = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
        if (path !== "/latest/api/token") {
            send(response, 404);
        } else if (request.headers["x-forwarded-for"] !== undefined) {
            send(response, 403);
        } else if (!Number.isInteger(ttl) || ttl < 1 || ttl > longestTtlSeconds) {
            send(response, 400);
        } else {
            const token = seal("metadata", { instance: id, expires: Date.now() + ttl * 1000 });
            response.setHeader("x-aws-ec2-metadata-token-ttl-seconds", String(ttl));
            send(response, 200, token);
        }
        return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
        send(response, 405);
        return;
    }
    const token = request.headers["x-aws-ec2-metadata-token"];
    const claim = tokenClaim.safeParse(typeof token === "string" ? unseal("metadata", token) : undefined);
    if (!claim.success || claim.data.instance !== id || claim.data.expires < Date.now()) {
        send(response, 401);
        return;
    }
    const answer = answerTo(path, subject, Date.now());
    send(response, answer === undefined ? 404 : 200, answer);
}

function send(response: ServerResponse, status: number, body: string | Buffer = ""): void {
    response.writeHead(status, { "content-type": "text/plain", "content-length": Buffer.byteLength(body) });
    response.end(body);
}

function subjectAt(address: string): Subject | undefined {
    const instance = instances.all().find((one) => one.address === address || one.privateAddress === address);
    const group = instance && groups.get(instance.group);
    const template = instance && templates.get(instance.templateId);
    const version = template?.versions.find(({ number }) => number === instance?.templateVersion);
    if (!instance || !version) {
        return undefined;
    }
    return {
        instance,
        template: version,
        accountId: group?.arn.split(":")[4] ?? "",
        tags: { ...version.tags, ...group?.tags, "aws:autoscaling:groupName": instance.group },
        profile: version.profile === undefined ? undefined : instanceProfiles.get(version.profile),
    };
}

/** What stands at a path, or below one; undefined when there is nothing. */
export function answerTo(path: string, subject: Subject, now: number): string | Buffer | undefined {
    const wanted = /^\/(?:latest|\d{4}-\d\d-\d\d)\/(.*)$/.exec(path)?.[1];
    if (wanted === undefined) {
        return undefined;
    }
    const tree = treeOf(subject, now);
    const exact = tree[wanted.replace(/\/$/, "")];
    if (exact !== undefined) {
        return exact();
    }
    const folder = wanted === "" || wanted.endsWith("/") ? wanted : `${wanted}/`;
    const below = Object.keys(tree)
        .filter((name) => name.startsWith(folder))
        .map((name) => name.slice(folder.length).replace(/\/.*$/, "/"));
    return below.length === 0 ? undefined : [...new Set(below)].join("\n");
}

function treeOf(subject: Subject, now: number): Record<string, () => string | Buffer> {
    const { instance, template, accountId, profile } = subject;
    const stages = {
        Pending: "InService",
        "Pending:Wait": "InService",
        InService: "InService",
        Terminating: "Terminated",
    };
    const role = profile?.role;
    const document = {
        ...{
            accountId,
            architecture: architectureOf(template.instanceType),
            availabilityZone: instance.zone,
        },
        ...{ billingProducts: null, devpayProductCodes: null, marketplaceProductCodes: null },
        ...{ imageId: template.imageId, instanceId: instance.id, instanceType: template.instanceType },
        ...{ kernelId: null, pendingTime: iso(instance.launchedAt), privateIp: instance.privateAddress },
        ...{ ramdiskId: null, region: instance.region, version: "2017-09-30" },
    };
    return {
        "meta-data/ami-id": () => template.imageId,
        "meta-data/autoscaling/target-lifecycle-state": () => stages[instance.lifecycle],
        "meta-data/hostname": () => instance.name,
        ...(profile && {
            "meta-data/iam/info": () =>
                JSON.stringify({
                    Code: "Success",
                    LastUpdated: iso(instance.launchedAt),
                    InstanceProfileArn: profile.arn,
                    InstanceProfileId: `AIPA${profile.name}`,
                }),
        }),
        ...(role !== undefined &&
            roles.get(role) && {
                [`meta-data/iam/security-credentials/${role}`]: () => keysFor(instance.id, role, now),
            }),
        "meta-data/instance-id": () => instance.id,
        "meta-data/instance-type": () => template.instanceType,
        "meta-data/local-hostname": () => instance.name,
        "meta-data/local-ipv4": () => instance.privateAddress,
        "meta-data/placement/availability-zone": () => instance.zone,
        "meta-data/placement/region": () => instance.region,
        "meta-data/public-ipv4": () => instance.address,
        ...(template.metadataTags &&
            Object.fromEntries(
                Object.entries(subject.tags).map(([key, value]) => [
                    `meta-data/tags/instance/${key}`,
                    () => value,
                ]),
            )),
        "dynamic/instance-identity/document": () => JSON.stringify(document, null, 2),
        ...(template.userData !== "" && { "user-data": () => Buffer.from(template.userData, "base64") }),
    };
}

/** Keys that change at fixed times, so that those who ask twice are told the same. */
function keysFor(instance: string, role: string, now: number): string {
    const half = (keySeconds * 1000) / 2;
    const begun = Math.floor(now / half) * half;
    const expires = begun + keySeconds * 1000;
    const keys = sessionKeys({ instance, role, expires });
    return JSON.stringify({
        ...{ Code: "Success", LastUpdated: iso(begun), Type: "AWS-HMAC" },
        ...{
            AccessKeyId: keys.id,
            SecretAccessKey: keys.secret,
            Token: keys.token,
            Expiration: iso(expires),
        },
    });
}

/** Without fractions of a second, as Amazon writes times. */
function iso(time: number): string {
    return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}
