import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/*
 * Signature Version 4, from the side of the service: whether a request was signed with a key that the service knows.
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

interface Authorization {
    accessKeyId: string;
    date: string;
    region: string;
    service: string;
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
    const wanted = Buffer.from(signatureOf(request, given, time, found.secret), "hex");
    return timingSafeEqual(wanted, Buffer.from(given.signature, "hex"))
        ? { who: found.who }
        : { refusal: "wrong-signature" };
}

function signatureOf(request: SignedRequest, given: Authorization, time: string, secret: string): string {
    const scope = [given.date, given.region, given.service, "aws4_request"];
    const text = [
        "AWS4-HMAC-SHA256",
        time,
        scope.join("/"),
        sha256(canonicalRequest(request, given.signedHeaders)),
    ].join("\n");
    const key = scope.reduce<Buffer | string>((last, part) => hmac(last, part), `AWS4${secret}`);
    return hmac(key, text).toString("hex");
}

function canonicalRequest(request: SignedRequest, signedHeaders: string[]): string {
    const [path = "/", query = ""] = request.url.split("?");
    const headers = signedHeaders.map(
        (name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`,
    );
    return [
        request.method,
        path.split("/").map(encode).join("/"),
        canonicalQuery(query),
        headers.join(""),
        signedHeaders.join(";"),
        sha256(request.body),
    ].join("\n");
}

function canonicalQuery(query: string): string {
    const pairs = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`);
    return pairs.sort().join("&");
}

/** Everything but RFC 3986's unreserved characters in percents. */
function encode(text: string): string {
    return encodeURIComponent(text).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}

function sha256(data: string | Buffer): string {
    return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
    return createHmac("sha256", key).update(text).digest();
}
