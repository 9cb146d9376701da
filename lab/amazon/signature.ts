import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/*
 * Signature Version 4, for both sides: signs the lab's own requests to S3 and IAM, and tells whether a request to the
 * daemon was signed with a key that the daemon knows.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */

export interface SignedRequest {
    method: string;
    /** As it came, with the query: `/?Action=x`. */
    url: string;
    /** By name in lower case. */
    headers: Readonly<Record<string, string | undefined>>;
    body: Buffer;
}

export type Refusal =
    "missing" | "incomplete" | "unknown-key" | "wrong-signature" | "expired-token" | "wrong-time";

/** The key behind an id and a session token; or why there is none. */
export type KeyFinder<Who> = (
    accessKeyId: string,
    token: string | undefined,
) => { secret: string; who: Who } | "unknown-key" | "expired-token";

/** How far the clocks of both sides may be apart, in ms. */
const skewMs = 5 * 60_000;

/** What a signature is for, besides the request. */
interface Scope {
    date: string;
    region: string;
    service: string;
}

interface Authorization extends Scope {
    accessKeyId: string;
    signedHeaders: string[];
    signature: string;
}

function parse(header: string): Authorization | undefined {
    const match =
        /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
            header,
        );
    if (!match) {
        return undefined;
    }
    const [accessKeyId = "", date = "", region = "", service = "", headers = "", signature = ""] =
        match.slice(1);
    return { accessKeyId, date, region, service, signedHeaders: headers.split(";"), signature };
}

/** Whom a request is from; or why it is nobody's. */
export function verify<Who>(
    request: SignedRequest,
    expected: { service: string; region: string; now: number },
    find: KeyFinder<Who>,
): { who: Who } | { refusal: Refusal } {
    const header = request.headers.authorization;
    if (header === undefined) {
        return { refusal: "missing" };
    }
    const given = parse(header);
    const time = request.headers["x-amz-date"] ?? "";
    if (
        !given?.signedHeaders.includes("host") ||
        !/^\d{8}T\d{6}Z$/.test(time) ||
        given.service !== expected.service ||
        given.region !== expected.region ||
        !time.startsWith(given.date)
    ) {
        return { refusal: "incomplete" };
    }
    const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
    if (Math.abs(Date.parse(iso) - expected.now) > skewMs) {
        return { refusal: "wrong-time" };
    }
    const found = find(given.accessKeyId, request.headers["x-amz-security-token"]);
    if (typeof found === "string") {
        return { refusal: found };
    }
    const wanted = Buffer.from(signatureOf(request, given.signedHeaders, given, time, found.secret), "hex");
    return timingSafeEqual(wanted, Buffer.from(given.signature, "hex"))
        ? { who: found.who }
        : { refusal: "wrong-signature" };
}

/** The headers to send with a request, so that it is signed: those given, and four more. */
export function signed(
    request: Omit<SignedRequest, "headers"> & { headers: Readonly<Record<string, string>> },
    where: { host: string; region: string; service: string },
    keys: { id: string; secret: string },
): Record<string, string> {
    const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
    const headers: Record<string, string> = {
        ...request.headers,
        host: where.host,
        "x-amz-content-sha256": sha256(request.body),
        "x-amz-date": time,
    };
    const scope = { ...where, date: time.slice(0, 8) };
    const names = Object.keys(headers).sort();
    const signature = signatureOf({ ...request, headers }, names, scope, time, keys.secret);
    headers.authorization =
        `AWS4-HMAC-SHA256 Credential=${keys.id}/${textOf(scope)}, ` +
        `SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return headers;
}

function textOf({ date, region, service }: Scope): string {
    return [date, region, service, "aws4_request"].join("/");
}

function signatureOf(
    request: SignedRequest,
    signedHeaders: readonly string[],
    scope: Scope,
    time: string,
    secret: string,
): string {
    const canonical = sha256(canonicalRequest(request, signedHeaders, scope.service));
    const text = ["AWS4-HMAC-SHA256", time, textOf(scope), canonical].join("\n");
    return hmac(signingKey(secret, scope), text).toString("hex");
}

/** What is signed with in a day, a region and a service, of a secret. */
export function signingKey(secret: string, scope: Scope): Buffer {
    return textOf(scope)
        .split("/")
        .reduce<Buffer>((last, part) => hmac(last, part), Buffer.from(`AWS4${secret}`));
}

function canonicalRequest(
    { method, url, headers, body }: SignedRequest,
    signedHeaders: readonly string[],
    service: string,
): string {
    const [path = "/", query = ""] = url.split("?");
    const lines = signedHeaders.map(
        (name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`,
    );
    return [
        method,
        // S3 alone signs the path as it is sent; the others encode it once more.
        service === "s3" ? path : path.split("/").map(encode).join("/"),
        canonicalQuery(query),
        lines.join(""),
        signedHeaders.join(";"),
        sha256(body),
    ].join("\n");
}

function canonicalQuery(query: string): string {
    const pairs = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`);
    return pairs.sort().join("&");
}

/** All but letters, digits and `-._~` in percents. */
export function encode(text: string): string {
    return encodeURIComponent(text).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}

function sha256(data: string | Buffer): string {
    return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
    return createHmac("sha256", key).update(text).digest();
}
