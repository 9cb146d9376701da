import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import { ZodError } from "zod";

import { callerArn, instanceBehind, type Caller } from "../../callers";
import { groups } from "../../records";
import { operatorKeys } from "../../keys";
import { accountOf } from "../../names";
import { labAccount } from "../../settings";
import { verify, type KeyFinder, type Refusal, type SignedRequest } from "../../signature";
import { autoscaling, type FormOperation } from "./autoscaling";
import { ApiRefusal, authorize, type Call } from "./operation";
import { ssm } from "./ssm";

/* Amazon's APIs at `<service>.<region>.amazonaws.com`, as far as a station's machines and its operator use them. */

const longestBody = 1_000_000;

const sts: Readonly<Record<string, FormOperation>> = {
    async GetCallerIdentity(_, { caller }) {
        const id = caller.kind === "operator" ? caller.accountId : `${caller.role}:${caller.instance}`;
        return { Arn: callerArn(caller), UserId: id, Account: caller.accountId };
    },
};

const monitoring: Readonly<Record<string, FormOperation>> = {
    /** Taken, and forgotten: nobody reads them in the lab. */
    async PutMetricData(form, call) {
        authorize(call, "cloudwatch:PutMetricData", "*", {
            "cloudwatch:namespace": form.get("Namespace") ?? "",
        });
        return {};
    },
};

/** Services whose requests are forms and whose answers are XML, with the names of their answers' XML. */
const formServices: Readonly<
    Record<string, { operations: Readonly<Record<string, FormOperation>>; namespace: string }>
> = {
    autoscaling: { operations: autoscaling, namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/" },
    monitoring: { operations: monitoring, namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/" },
    sts: { operations: sts, namespace: "https://sts.amazonaws.com/doc/2011-06-15/" },
};

export const handler: RequestListener = (request, response) => {
    void answer(request, response).catch((error: unknown) => {
        console.error(error);
        response.writeHead(500).end();
    });
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const match = /^(ssm|autoscaling|monitoring|sts)\.(?:([a-z0-9-]+)\.)?amazonaws\.com(?::443)?$/.exec(
        request.headers.host ?? "",
    );
    // Older clients ask a service of all regions who they are, and sign for this one.
    const [, service = "", region = "us-east-1"] = match ?? [];
    const send = (answer: Answer): void =>
        service === "ssm" ? sendJson(response, answer) : sendXml(service, response, answer);
    try {
        if (service === "") {
            const said = `the lab has no ${request.headers.host ?? "such"} API`;
            throw new ApiRefusal("UnknownService", said, 404);
        }
        const body = await bodyOf(request);
        const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const signed = { method: request.method ?? "", url: request.url ?? "/", headers, body };
        const call = { caller: callerOf(signed, service, region), region };
        send(await perform(service, signed, call));
    } catch (error) {
        send(refusalFor(error));
    }
}

async function perform(
    service: string,
    { headers, url, body }: SignedRequest,
    call: Call,
): Promise<{ action: string; result: object }> {
    if (service === "ssm") {
        const action = headers["x-amz-target"]?.replace(/^AmazonSSM\./, "") ?? "";
        const operation = ssm[action];
        if (!operation) {
            throw new ApiRefusal("UnknownOperationException", `the lab's ssm has no ${action}`);
        }
        return { action, result: await operation(JSON.parse(body.toString("utf8")), call) };
    }
    const form = new URLSearchParams(body.length > 0 ? body.toString("utf8") : (url.split("?")[1] ?? ""));
    const action = form.get("Action") ?? "";
    const operation = formServices[service]?.operations[action];
    if (!operation) {
        throw new ApiRefusal("InvalidAction", `the lab's ${service} has no ${action}`);
    }
    return { action, result: await operation(form, call) };
}

/** Codes of refused signatures, and what they say. */
const signatureRefusals: Readonly<Record<Refusal, readonly [code: string, message: string]>> = {
    missing: ["MissingAuthenticationToken", "Missing Authentication Token"],
    incomplete: [
        "IncompleteSignature",
        "Authorization header requires a credential scope of this service and region, and a date",
    ],
    "unknown-key": ["InvalidClientTokenId", "The security token included in the request is invalid."],
    "wrong-signature": [
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    ],
    "expired-token": ["ExpiredToken", "The security token included in the request is expired"],
    "wrong-time": [
        "SignatureDoesNotMatch",
        "Signature expired: the request's time is too far from this service's",
    ],
};

/** Codes that services who speak JSON have other words for. */
const jsonCodes: Readonly<Record<string, string>> = {
    AccessDenied: "AccessDeniedException",
    ExpiredToken: "ExpiredTokenException",
    IncompleteSignature: "IncompleteSignatureException",
    InternalFailure: "InternalServerError",
    InvalidClientTokenId: "UnrecognizedClientException",
    MissingAuthenticationToken: "MissingAuthenticationTokenException",
    SignatureDoesNotMatch: "InvalidSignatureException",
    ValidationError: "ValidationException",
};

function callerOf(request: SignedRequest, service: string, region: string): Caller {
    const verified = verify(request, { service, region, now: Date.now() }, findKey);
    if ("who" in verified) {
        return verified.who;
    }
    throw new ApiRefusal(...signatureRefusals[verified.refusal], 403);
}

const findKey: KeyFinder<Caller> = (accessKeyId, token) => {
    if (token === undefined) {
        const { id, secret } = operatorKeys();
        const accountId = accountOf(groups.all()[0]?.arn ?? "") || labAccount;
        return id === accessKeyId ? { secret, who: { kind: "operator", accountId } } : "unknown-key";
    }
    return instanceBehind(accessKeyId, token);
};

function refusalFor(error: unknown): ApiRefusal {
    if (error instanceof ApiRefusal) {
        return error;
    }
    if (error instanceof ZodError || error instanceof SyntaxError) {
        return new ApiRefusal("ValidationError", error.message);
    }
    console.error(error);
    return new ApiRefusal("InternalFailure", error instanceof Error ? error.message : String(error), 500);
}

/** What a service answers: the result of an action, or a refusal. */
type Answer = { action: string; result: object } | ApiRefusal;

function sendJson(response: ServerResponse, answer: Answer): void {
    const isRefusal = answer instanceof ApiRefusal;
    const body = isRefusal
        ? { __type: jsonCodes[answer.code] ?? answer.code, message: answer.message }
        : answer.result;
    // All that the caller does wrong is 400 here.
    const status = !isRefusal ? 200 : answer.status < 500 ? 400 : answer.status;
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() };
    response.writeHead(status, headers).end(JSON.stringify(body));
}

function sendXml(service: string, response: ServerResponse, answer: Answer): void {
    const isRefusal = answer instanceof ApiRefusal;
    const RequestId = randomUUID();
    const [root, body] = isRefusal
        ? ["Error", { Error: { Type: "Sender", Code: answer.code, Message: answer.message }, RequestId }]
        : [answer.action, { [`${answer.action}Result`]: answer.result, ResponseMetadata: { RequestId } }];
    const namespace = formServices[service]?.namespace ?? "";
    response
        .writeHead(isRefusal ? answer.status : 200, {
            "content-type": "text/xml",
            "x-amzn-requestid": RequestId,
        })
        .end(`<${root}Response xmlns="${namespace}">${toXml(body)}</${root}Response>`);
}

/** Values as XML, as the query protocol has it: lists are `member`s, what is undefined is left out. */
function toXml(value: unknown): string {
    if (Array.isArray(value)) {
        return value.map((item) => `<member>${toXml(item)}</member>`).join("");
    }
    if (typeof value === "object" && value !== null) {
        return Object.entries(value)
            .filter(([, inner]) => inner !== undefined)
            .map(([name, inner]) => `<${name}>${toXml(inner)}</${name}>`)
            .join("");
    }
    return String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > longestBody) {
            throw new ApiRefusal("RequestEntityTooLarge", "the request is too large", 413);
        }
        parts.push(part);
    }
    return Buffer.concat(parts);
}
