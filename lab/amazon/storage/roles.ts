import {
    createServer,
    request as httpRequest,
    type IncomingMessage,
    type Server,
    type ServerResponse,
} from "node:http";

import { z } from "zod";

import { callerArn, instanceBehind, verdictOn, type InstanceCaller } from "../callers";
import type { Verdict } from "../permissions";
import { roles } from "../records";
import { signingKey } from "../signature";

/*
 * Whom S3's servers ask who may what: versitygw's own IAM for users, which this asks in turn, and the lab's records for
 * instances with their role, of which versitygw's IAM knows nothing. The protocol is versitygw's between its S3 and its
 * IAM, version 1 (versitygw 1.8.0, iamapi/private). Whoever reaches the socket is the lab.
 */

/** How ids of keys begin that are only valid with a token. */
const sessionPrefix = "ASIA";

const protocolHeader = { "x-vgw-private-protocol": "1" };

const keyed = z.object({ accessKeyId: z.string().default(""), sessionToken: z.string().default("") });

const signing = z.object({ date: z.string(), region: z.string(), service: z.string() });

const question = z.object({
    actions: z.array(z.string()),
    resources: z.array(z.string()),
    condition: z.record(z.string(), z.array(z.string())).nullish(),
    region: z.string().default(""),
});

/** A server of that protocol. @param users the socket of versitygw's IAM. */
export function roleServer(users: string): Server {
    const server = createServer((request, response) => {
        void answer(request, response, users).catch((error: unknown) => {
            console.error(error);
            send(response, 500, { error: String(error) });
        });
    });
    // S3's servers keep their connections. One that is closed just when it is used would be an error of S3's.
    server.keepAliveTimeout = 0;
    return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, users: string): Promise<void> {
    if (request.url === "/healthz") {
        send(response, 200, {});
        return;
    }
    const body = await bodyOf(request);
    const given: unknown = body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
    const key = keyed.safeParse(given).data;
    if (!key?.accessKeyId.startsWith(sessionPrefix)) {
        await forward(request, response, body, users);
        return;
    }
    const found = instanceBehind(key.accessKeyId, key.sessionToken);
    if (typeof found === "string") {
        // As S3 has it: a key without its token is unknown, and a token that is not the key's is invalid.
        const code = key.sessionToken === "" ? "NoSuchIdentity" : "InvalidToken";
        send(response, 403, { error: found, code });
    } else if (request.url === "/private/derive-signing-key") {
        const scope = signing.parse(given);
        send(response, 200, {
            derivedKey: signingKey(found.secret, scope).toString("base64"),
            principalArn: callerArn(found.who),
            roleArn: roles.get(found.who.role)?.arn,
        });
    } else if (request.url === "/private/evaluate-policy") {
        send(response, 200, {
            decisions: decisionsOn(found.who, question.parse(given)),
            principalArn: callerArn(found.who),
        });
    } else {
        send(response, 404, { error: `the lab answers nothing at ${request.url} for instances` });
    }
}

const words: Readonly<Record<Verdict, string>> = {
    allow: "allow",
    "explicit-deny": "deny",
    "implicit-deny": "no_match",
};

/** By resource and action. */
function decisionsOn(who: InstanceCaller, asked: z.output<typeof question>): string[][] {
    const { actions, resources, region } = asked;
    const conditions = Object.fromEntries(
        Object.entries(asked.condition ?? {}).flatMap(([name, values]) =>
            // Nobody here asks about what has several values; as unknown, it meets no condition.
            values.length === 1 ? [[name.toLowerCase(), String(values[0])]] : [],
        ),
    );
    return resources.map((resource) =>
        actions.map((action) => words[verdictOn(who, region, { action, resource }, conditions)]),
    );
}

/** Passes a request on as it is, signature and all, and its answer back. */
function forward(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    socketPath: string,
): Promise<void> {
    const { method, url: path, headers } = request;
    return new Promise<void>((resolve, reject) => {
        const onward = httpRequest({ socketPath, method, path, headers, agent: false, timeout: 10_000 });
        onward.on("timeout", () => onward.destroy(new Error("S3's IAM does not answer within 10 s")));
        onward.on("error", reject);
        onward.on("response", (answered) => {
            // Whether the connection is kept is between the two ends of each.
            const { connection: _, "keep-alive": __, ...kept } = answered.headers;
            response.writeHead(answered.statusCode ?? 502, kept);
            answered.on("error", reject);
            answered.pipe(response).on("error", reject).on("finish", resolve);
        });
        onward.end(body);
    });
}

function send(response: ServerResponse, status: number, body: object): void {
    if (response.headersSent) {
        response.destroy();
        return;
    }
    response
        .writeHead(status, { ...protocolHeader, "content-type": "application/json" })
        .end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) {
        parts.push(part);
    }
    return Buffer.concat(parts);
}
