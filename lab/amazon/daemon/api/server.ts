import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

import { ZodError } from "zod";

import { roles } from "../../iam/cloud";
import { instances } from "../../compute/groups";
import { groups } from "../../compute/groups";
import { findSession, operatorKeys } from "../credentials";
import { verify, type KeyFinder, type Refusal, type SignedRequest } from "../signature";
import { autoscaling, type FormOperation } from "./autoscaling";
import { ApiRefusal, authorize, callerArn, type Call, type Caller } from "./operation";
import { ssm } from "./ssm";
import { toXml } from "./xml";

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
    const send = service === "ssm" ? sendJson : sendXml(service);
    try {
        if (service === "") {
            throw new ApiRefusal(
                "UnknownService",
                `the lab has no ${request.headers.host ?? "such"} API`,
                404,
            );
        }
        const body = await bodyOf(request);
        const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const signed = { method: request.method ?? "", url: request.url ?? "/", headers, body };
        const call = { caller: callerOf(signed, service, region), region };
        const { action, result } = await perform(service, signed, call);
        send(response, 200, action, result);
    } catch (error) {
        const refusal = refusalFor(error, service);
        send(response, refusal.status, undefined, { code: refusal.code, message: refusal.message });
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

/** Codes of refused signatures: of the services that speak JSON, and of the others. */
const signatureCodes: Readonly<Record<Refusal, { json: string; form: string; message: string }>> = {
    missing: {
        json: "MissingAuthenticationTokenException",
        form: "MissingAuthenticationToken",
        message: "Missing Authentication Token",
    },
    incomplete: {
        json: "IncompleteSignatureException",
        form: "IncompleteSignature",
        message: "Authorization header requires a credential scope of this service and region, and a date",
    },
    "unknown-key": {
        json: "UnrecognizedClientException",
        form: "InvalidClientTokenId",
        message: "The security token included in the request is invalid.",
    },
    "wrong-signature": {
        json: "InvalidSignatureException",
        form: "SignatureDoesNotMatch",
        message: "The request signature we calculated does not match the signature you provided.",
    },
    "expired-token": {
        json: "ExpiredTokenException",
        form: "ExpiredToken",
        message: "The security token included in the request is expired",
    },
    "wrong-time": {
        json: "InvalidSignatureException",
        form: "SignatureDoesNotMatch",
        message: "Signature expired: the request's time is too far from this service's",
    },
};

function callerOf(request: SignedRequest, service: string, region: string): Caller {
    const verified = verify(request, { service, region, now: Date.now() }, findKey);
    if ("who" in verified) {
        return verified.who;
    }
    const { json, form, message } = signatureCodes[verified.refusal];
    throw new ApiRefusal(service === "ssm" ? json : form, message, service === "ssm" ? 400 : 403);
}

const findKey: KeyFinder<Caller> = (accessKeyId, token) => {
    if (token === undefined) {
        const { id, secret } = operatorKeys();
        const accountId = groups.all()[0]?.arn.split(":")[4] ?? "000000000000";
        return id === accessKeyId ? { secret, who: { kind: "operator", accountId } } : "unknown-key";
    }
    const session = findSession(accessKeyId, token);
    const role = session && roles.get(session.role);
    // Keys end with their instance.
    if (!session || !role || !instances.get(session.instance)) {
        return "unknown-key";
    }
    if (session.expires < Date.now()) {
        return "expired-token";
    }
    const accountId = role.arn.split(":")[4] ?? "";
    return {
        secret: session.secret,
        who: { kind: "instance", accountId, role: session.role, instance: session.instance },
    };
};

function refusalFor(error: unknown, service: string): ApiRefusal {
    if (error instanceof ApiRefusal) {
        // The older protocol has the shorter name.
        return error.code === "AccessDenied" && service === "ssm"
            ? new ApiRefusal("AccessDeniedException", error.message)
            : error;
    }
    if (error instanceof ZodError || error instanceof SyntaxError) {
        return new ApiRefusal(service === "ssm" ? "ValidationException" : "ValidationError", error.message);
    }
    console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    return new ApiRefusal(service === "ssm" ? "InternalServerError" : "InternalFailure", message, 500);
}

function sendJson(response: ServerResponse, status: number, _: string | undefined, result: object): void {
    const body = status === 200 ? result : errorBody(result);
    response.writeHead(status, {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-requestid": randomUUID(),
    });
    response.end(JSON.stringify(body));
}

function errorBody(result: object): object {
    const { code, message } = { code: "", message: "", ...result };
    return { __type: code, message };
}

function sendXml(service: string) {
    return (response: ServerResponse, status: number, action: string | undefined, result: object): void => {
        const namespace = formServices[service]?.namespace ?? "";
        const id = randomUUID();
        const { code, message } = { code: "", message: "", ...result };
        const text =
            action === undefined
                ? `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type>` +
                  `${toXml({ Code: code, Message: message })}</Error><RequestId>${id}</RequestId></ErrorResponse>`
                : `<${action}Response xmlns="${namespace}"><${action}Result>${toXml(result)}</${action}Result>` +
                  `<ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></${action}Response>`;
        response.writeHead(status, { "content-type": "text/xml", "x-amzn-requestid": id });
        response.end(text);
    };
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
