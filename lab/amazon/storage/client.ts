import { createHash, createHmac } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";

import { apiRootFile } from "../../authority";
import { rootCredentials, socketFolder } from "./files";

/*
 * The lab's own hand at its S3 and IAM, as the account's root: the few requests its provider needs, signed by AWS
 * Signature Version 4. By sockets in the lab's folder, so it works from any place of the network.
 */

/** What S3 or IAM says instead of doing it. */
export class StorageError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        readonly said: string,
    ) {
        super(`${code}: ${said}`);
        this.name = "StorageError";
    }
}

export interface Answer {
    status: number;
    headers: IncomingHttpHeaders;
    body: string;
}

export interface S3Request {
    method: "DELETE" | "GET" | "HEAD" | "POST" | "PUT";
    /** The whole account's when absent. */
    bucket?: string;
    key?: string;
    query?: Readonly<Record<string, string>>;
    headers?: Readonly<Record<string, string>>;
    body?: string;
}

/** @throws StorageError when S3 refuses. */
export async function s3Request(region: string, wanted: S3Request): Promise<Answer> {
    const { method, bucket, key = "", query = {}, headers = {}, body = "" } = wanted;
    const path = bucket === undefined ? "/" : `/${bucket}${key === "" ? "" : `/${encodePath(key)}`}`;
    const host = `s3.${region}.amazonaws.com`;
    return send({
        socket: `${region}.sock`,
        tls: true,
        service: "s3",
        region,
        method,
        host,
        path,
        query,
        headers,
        body,
    });
}

/** Asks IAM to do something, `CreateUser`, with its parameters. @throws StorageError when it refuses. */
export async function iamRequest(
    action: string,
    parameters: Readonly<Record<string, string>>,
): Promise<string> {
    const answer = await send({
        socket: "iam.sock",
        tls: false,
        service: "iam",
        region: "us-east-1",
        method: "POST",
        host: "iam.amazonaws.com",
        path: "/",
        query: {},
        headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
        body: new URLSearchParams({ Action: action, Version: "2010-05-08", ...parameters }).toString(),
    });
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
    const wanted = { socket, tls: host !== "", host, method: "GET", path: "/healthz", headers: {}, body: "" };
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
    path: string;
    headers: Readonly<Record<string, string>>;
    body: string;
}

interface Signable extends Sendable {
    service: string;
    region: string;
    query: Readonly<Record<string, string>>;
}

async function send(wanted: Signable): Promise<Answer> {
    const query = Object.entries(wanted.query)
        .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
        .sort()
        .join("&");
    const path = query === "" ? wanted.path : `${wanted.path}?${query}`;
    const answer = await exchange({ ...wanted, path, headers: signed(wanted, query) }, 30_000);
    if (answer.status >= 300) {
        const code = textOf(answer.body, "Code") ?? `HTTP ${answer.status}`;
        const said = textOf(answer.body, "Message") ?? "no reason given";
        throw new StorageError(answer.status, code, said);
    }
    return answer;
}

/** The headers to send, with a signature of them, the path, the query and the body. */
function signed(
    { service, region, method, host, path, headers, body }: Signable,
    query: string,
): Record<string, string> {
    const { accessKeyId, secretAccessKey } = rootCredentials();
    const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
    const date = time.slice(0, 8);
    const all: Record<string, string> = {
        ...headers,
        host,
        "x-amz-content-sha256": sha256(body),
        "x-amz-date": time,
    };
    const names = Object.keys(all).sort();
    const canonical = [
        method,
        path,
        query,
        ...names.map((name) => `${name}:${(all[name] ?? "").trim()}`),
        "",
        names.join(";"),
        sha256(body),
    ].join("\n");
    const scope = `${date}/${region}/${service}/aws4_request`;
    const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
        (secret, part) => createHmac("sha256", secret).update(part).digest(),
        `AWS4${secretAccessKey}`,
    );
    const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
    const signature = createHmac("sha256", key).update(text).digest("hex");
    all.authorization =
        `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, ` +
        `SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return all;
}

function exchange(wanted: Sendable, limitMs: number): Promise<Answer> {
    // A socket's path has at most 107 bytes, which a checkout may exceed; the folder's descriptor makes it short.
    const folder = openSync(socketFolder(), "r");
    const socketPath = join(`/proc/self/fd/${folder}`, wanted.socket);
    const { method, path, host } = wanted;
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

function sha256(text: string): string {
    return createHash("sha256").update(text).digest("hex");
}

/** As the signature wants it: all but letters, digits and `-._~`. */
function encodePart(text: string): string {
    return encodeURIComponent(text).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}

function encodePath(key: string): string {
    return key.split("/").map(encodePart).join("/");
}
