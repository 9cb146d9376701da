import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { z } from "zod";

import {
    groups,
    instanceProfiles,
    instances,
    roles,
    templateOf,
    type InstanceRecord,
    type TemplateVersion,
} from "../records";
import { images } from "../facts";
import { accountOf } from "../names";
import { seal, sessionKeys, unseal } from "../keys";

/*
 * The metadata service, version 2: answers are for those only who hold a token, which an instance gets by a PUT that no
 * forwarding proxy has passed on. The address says who asks: nobody else can send from it.
 */

const longestTtlSeconds = 21_600;

/** How long an instance's keys are valid, and how long before their end there are new ones. */
const keySeconds = 6 * 3600;

const tokenClaim = z.object({ instance: z.string(), expires: z.number() });

/** What an instance may read about. */
interface Subject {
    instance: InstanceRecord;
    template: TemplateVersion;
    accountId: string;
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
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (request.method === "PUT") {
        giveToken(request, response, path, subject.instance.id);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
        send(response, 405);
    } else if (!hasToken(request, subject.instance.id)) {
        send(response, 401);
    } else {
        const answer = answerTo(path, subject, Date.now());
        send(response, answer === undefined ? 404 : 200, answer);
    }
}

function giveToken(request: IncomingMessage, response: ServerResponse, path: string, instance: string): void {
    const ttl = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
    if (path !== "/latest/api/token") {
        send(response, 404);
    } else if (request.headers["x-forwarded-for"] !== undefined) {
        send(response, 403);
    } else if (!Number.isInteger(ttl) || ttl < 1 || ttl > longestTtlSeconds) {
        send(response, 400);
    } else {
        response.setHeader("x-aws-ec2-metadata-token-ttl-seconds", String(ttl));
        send(response, 200, seal("metadata", { instance, expires: Date.now() + ttl * 1000 }));
    }
}

function hasToken(request: IncomingMessage, instance: string): boolean {
    const token = request.headers["x-aws-ec2-metadata-token"];
    const claim = tokenClaim.safeParse(typeof token === "string" ? unseal("metadata", token) : undefined);
    return claim.success && claim.data.instance === instance && claim.data.expires >= Date.now();
}

function send(response: ServerResponse, status: number, body: string | Buffer = ""): void {
    response.writeHead(status, { "content-type": "text/plain", "content-length": Buffer.byteLength(body) });
    response.end(body);
}

function subjectAt(address: string): Subject | undefined {
    const instance = instances.all().find((one) => one.address === address || one.privateAddress === address);
    const template = instance && templateOf(instance);
    if (!instance || !template) {
        return undefined;
    }
    const accountId = accountOf(groups.get(instance.group)?.arn ?? "");
    const profile = template.profile === undefined ? undefined : instanceProfiles.get(template.profile);
    return { instance, template, accountId, profile };
}

/** What stands at a path, or below one; undefined when there is nothing. */
function answerTo(path: string, subject: Subject, now: number): string | Buffer | undefined {
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
    const role = profile?.role;
    const document = {
        ...{ accountId, architecture: images[template.imageId], availabilityZone: instance.zone },
        ...{ imageId: template.imageId, instanceId: instance.id, instanceType: template.instanceType },
        ...{ pendingTime: iso(instance.launchedAt), privateIp: instance.privateAddress },
        ...{ region: instance.region, version: "2017-09-30" },
    };
    return {
        "meta-data/ami-id": () => template.imageId,
        "meta-data/autoscaling/target-lifecycle-state": () =>
            instance.lifecycle === "Terminating" ? "Terminated" : "InService",
        "meta-data/hostname": () => instance.name,
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
        "dynamic/instance-identity/document": () => JSON.stringify(document, null, 2),
        ...(template.userData !== "" && { "user-data": () => Buffer.from(template.userData, "base64") }),
    };
}

/** Keys that change at fixed times, so that those who ask twice get the same. */
function keysFor(instance: string, role: string, now: number): string {
    const half = (keySeconds * 1000) / 2;
    const begun = Math.floor(now / half) * half;
    const expires = begun + keySeconds * 1000;
    const keys = sessionKeys({ instance, role, expires });
    return JSON.stringify({
        ...{ Code: "Success", LastUpdated: iso(begun), Type: "AWS-HMAC" },
        ...{ AccessKeyId: keys.id, SecretAccessKey: keys.secret, Token: keys.token },
        Expiration: iso(expires),
    });
}

/** Without fractions of a second, as Amazon writes times. */
function iso(time: number): string {
    return new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");
}
