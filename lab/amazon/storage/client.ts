import { closeSync, openSync, readFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";

import { apiRootFile } from "../../authority";
import { AwsError } from "../errors";
import { operatorKeys } from "../keys";
import { encode, signed } from "../signature";
import { socketFolder } from "./files";

/*
 * The few requests to the lab's S3 and IAM that its provider needs, as the account's root. By sockets in the lab's
 * folder, so it works from any place of the network.
 */

export interface Answer {
    status: number;
    headers: IncomingHttpHeaders;
    body: string;
}

export interface S3Request {
    /** As errors name it: `PutBucketPolicy`. */
    operation?: string;
    method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
    /** The whole account's when absent. */
    bucket?: string;
    key?: string;
    query?: Readonly<Record<string, string>>;
    headers?: Readonly<Record<string, string>>;
    body?: string;
}

/** @throws AwsError when S3 refuses, which names the operation: that of the request's method, if none is given. */
export async function s3Request(region: string, wanted: S3Request): Promise<Answer> {
    const { method, bucket, key, query = {}, headers = {}, body = "", operation = method } = wanted;
    const path = [bucket ?? "", ...(key === undefined ? [] : key.split("/"))].map(encode).join("/");
    const parameters = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
    const url = `/${path}${parameters.length > 0 ? `?${parameters.join("&")}` : ""}`;
    const where = { socket: `${region}.sock`, tls: true, host: `s3.${region}.amazonaws.com` };
    return send(`S3: ${operation}`, { service: "s3", region }, { ...where, method, url, headers, body });
}

/** Asks IAM to do something, `CreateUser`, with its parameters. @throws AwsError when it refuses. */
export async function iamRequest(
    action: string,
    parameters: Readonly<Record<string, string>>,
): Promise<string> {
    const form = new URLSearchParams({ Action: action, Version: "2010-05-08", ...parameters });
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    const where = { socket: "iam.sock", tls: false, host: "iam.amazonaws.com", method: "POST", url: "/" };
    const scope = { service: "iam", region: "us-east-1" };
    const answer = await send(`IAM: ${action}`, scope, { ...where, headers, body: form.toString() });
    return answer.body;
}

/** What stands in all elements of a name in an XML answer, as XML. */
export function elements(xml: string, name: string): string[] {
    const matches = xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([\\s\\S]*?)</${name}>`, "g"));
    return [...matches].map(([, inner = ""]) => inner);
}

/** The text of the first element of a name; undefined where there is none. */
export function textOf(xml: string, name: string): string | undefined {
    const [inner] = elements(xml, name);
    return inner === undefined ? undefined : unescapeXml(inner);
}

const entities: Readonly<Record<string, string>> = { amp: "&", apos: "'", gt: ">", lt: "<", quot: '"' };

function unescapeXml(text: string): string {
    return text.replace(
        /&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g,
        (whole, hex?: string, decimal?: string, name = "") =>
            hex !== undefined
                ? String.fromCodePoint(Number.parseInt(hex, 16))
                : decimal !== undefined
                  ? String.fromCodePoint(Number(decimal))
                  : (entities[String(name)] ?? whole),
    );
}

/** Whether the server answers at that socket. */
export async function isHealthy(socket: string, host: string): Promise<boolean> {
    const wanted = { socket, tls: host !== "", host, method: "GET", url: "/healthz", headers: {}, body: "" };
    return exchange(wanted, 1000).then(
        ({ status }) => status === 200,
        () => false,
    );
}

interface Sendable {
    socket: string;
    tls: boolean;
    host: string;
    method: string;
    url: string;
    headers: Readonly<Record<string, string>>;
    body: string;
}

async function send(
    operation: string,
    scope: { service: string; region: string },
    wanted: Sendable,
): Promise<Answer> {
    const request = { ...wanted, body: Buffer.from(wanted.body) };
    const headers = signed(request, { ...scope, host: wanted.host }, operatorKeys());
    const answer = await exchange({ ...wanted, headers }, 30_000);
    if (answer.status >= 300) {
        const code = textOf(answer.body, "Code") ?? `HTTP ${answer.status}`;
        const said = textOf(answer.body, "Message") ?? "no reason given";
        throw new AwsError(operation, code, said, answer.status);
    }
    return answer;
}

function exchange(wanted: Sendable, limitMs: number): Promise<Answer> {
    // A socket's path has at most 107 bytes, which a checkout may exceed; the folder's descriptor makes it short.
    const folder = openSync(socketFolder(), "r");
    const socketPath = join(`/proc/self/fd/${folder}`, wanted.socket);
    const { method, url: path, host } = wanted;
    const headers = { ...wanted.headers, "content-length": String(Buffer.byteLength(wanted.body)) };
    const options = { socketPath, method, path, headers, agent: false, timeout: limitMs };
    return new Promise<Answer>((resolve, reject) => {
        const request = wanted.tls
            ? httpsRequest({ ...options, servername: host, ca: readFileSync(apiRootFile) })
            : httpRequest(options);
        request.on("timeout", () =>
            request.destroy(new Error(`${host} does not answer within ${limitMs} ms`)),
        );
        request.on("error", reject);
        request.on("response", (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("error", reject);
            response.on("end", () =>
                resolve({
                    status: response.statusCode ?? 0,
                    headers: response.headers,
                    body: Buffer.concat(chunks).toString("utf8"),
                }),
            );
        });
        request.end(wanted.body);
    }).finally(() => closeSync(folder));
}
