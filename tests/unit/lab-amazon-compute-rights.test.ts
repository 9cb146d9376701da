import { createHash } from "node:crypto";

import { evaluate, matches, type Question } from "../../lab/amazon/permissions";
import { verify, type KeyFinder, type SignedRequest } from "../../lab/amazon/signature";

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const now = Date.parse("2015-08-30T12:36:00Z");

const find: KeyFinder<string> = (id, token) =>
    token === "old" ? "expired-token" : id === "AKIDEXAMPLE" ? { secret, who: "somebody" } : "unknown-key";

function authorization(service: string, signedHeaders: string, signature: string): string {
    return (
        `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request, ` +
        `SignedHeaders=${signedHeaders}, Signature=${signature}`
    );
}

/** Requests that Amazon has published with their signatures. */
const published: Record<string, { request: SignedRequest; service: string }> = {
    "get-vanilla": {
        service: "service",
        request: {
            method: "GET",
            url: "/",
            headers: {
                host: "example.amazonaws.com",
                "x-amz-date": "20150830T123600Z",
                authorization: authorization(
                    "service",
                    "host;x-amz-date",
                    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
                ),
            },
            body: Buffer.alloc(0),
        },
    },
    "get-vanilla-query-order-key-case": {
        service: "service",
        request: {
            method: "GET",
            url: "/?Param2=value2&Param1=value1",
            headers: {
                host: "example.amazonaws.com",
                "x-amz-date": "20150830T123600Z",
                authorization: authorization(
                    "service",
                    "host;x-amz-date",
                    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
                ),
            },
            body: Buffer.alloc(0),
        },
    },
    "IAM ListUsers": {
        service: "iam",
        request: {
            method: "GET",
            url: "/?Action=ListUsers&Version=2010-05-08",
            headers: {
                "content-type": "application/x-www-form-urlencoded; charset=utf-8",
                host: "iam.amazonaws.com",
                "x-amz-date": "20150830T123600Z",
                authorization: authorization(
                    "iam",
                    "content-type;host;x-amz-date",
                    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
                ),
            },
            body: Buffer.alloc(0),
        },
    },
};

describe("a signature", () => {
    it.each(Object.entries(published))(
        "of Amazon's own examples is verified: %s",
        (_, { request, service }) => {
            expect(verify(request, { service, region: "us-east-1", now }, find)).toEqual({ who: "somebody" });
        },
    );

    const { request } = published["get-vanilla"] ?? { request: undefined };
    const changed = (
        changes: Partial<SignedRequest>,
        headers: SignedRequest["headers"] = {},
    ): SignedRequest => ({
        ...{ method: "", url: "", body: Buffer.alloc(0) },
        ...request,
        ...changes,
        headers: { ...request?.headers, ...headers },
    });
    it.each<[string, SignedRequest, object]>([
        ["another method", changed({ method: "POST" }), {}],
        ["another path", changed({ url: "/x" }), {}],
        ["another query", changed({ url: "/?a=b" }), {}],
        ["another body", changed({ body: Buffer.from("x") }), {}],
        ["another host", changed({}, { host: "x.amazonaws.com" }), {}],
    ])("is not that of %s", (_, other) => {
        expect(verify(other, { service: "service", region: "us-east-1", now }, find)).toEqual({
            refusal: "wrong-signature",
        });
    });

    it("is refused by what is wrong with it", () => {
        const ask = (headers: SignedRequest["headers"], changes = {}) =>
            verify(changed({}, headers), { service: "service", region: "us-east-1", now, ...changes }, find);
        expect(ask({ authorization: undefined })).toEqual({ refusal: "missing" });
        expect(ask({ authorization: "Basic x" })).toEqual({ refusal: "incomplete" });
        expect(ask({}, { service: "ssm" })).toEqual({ refusal: "incomplete" });
        expect(ask({}, { region: "eu-west-1" })).toEqual({ refusal: "incomplete" });
        expect(ask({}, { now: now + 301_000 })).toEqual({ refusal: "wrong-time" });
        expect(ask({ "x-amz-security-token": "old" })).toEqual({ refusal: "expired-token" });
        const other = String(request?.headers.authorization).replace("AKIDEXAMPLE", "AKIDOTHER");
        expect(ask({ authorization: other })).toEqual({ refusal: "unknown-key" });
    });

    it("covers the body by its own hash, not by what a header says", () => {
        const hash = createHash("sha256").update("").digest("hex");
        const other = changed({ body: Buffer.from("x") }, { "x-amz-content-sha256": hash });
        expect(verify(other, { service: "service", region: "us-east-1", now }, find)).toEqual({
            refusal: "wrong-signature",
        });
    });
});

const own = "arn:aws:ssm:eu-central-1:1:parameter/relay/*";

function policy(...statements: object[]): string {
    return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

function ask(changes: Partial<Question> = {}): Question {
    return {
        action: "ssm:GetParameter",
        resource: "arn:aws:ssm:eu-central-1:1:parameter/relay/secrets",
        context: { "cloudwatch:namespace": "Relay" },
        ...changes,
    };
}

describe("policies", () => {
    const allow = { Effect: "Allow", Action: ["ssm:GetParameter", "ssm:GetParameters"], Resource: own };
    it.each<[string, string[], Partial<Question>, string]>([
        ["allow what a statement names", [policy(allow)], {}, "allow"],
        ["allow nothing by themselves", [], {}, "implicit-deny"],
        ["allow no other action", [policy(allow)], { action: "ssm:PutParameter" }, "implicit-deny"],
        ["take actions in any case", [policy(allow)], { action: "SSM:getparameter" }, "allow"],
        [
            "allow no resource beside those named",
            [policy(allow)],
            { resource: "arn:aws:ssm:eu-central-1:1:parameter/relays" },
            "implicit-deny",
        ],
        [
            "deny before they allow, in whatever order",
            [policy(allow), policy({ Effect: "Deny", Action: "ssm:*", Resource: "*secrets" })],
            {},
            "explicit-deny",
        ],
        [
            "know actions and resources that are not meant",
            [policy({ Effect: "Allow", NotAction: "ssm:Put*", NotResource: "*foreign*" })],
            {},
            "allow",
        ],
        [
            "ask for conditions",
            [policy({ ...allow, Condition: { StringEquals: { "cloudwatch:namespace": ["Relay", "x"] } } })],
            {},
            "allow",
        ],
        [
            "refuse where a condition is not met",
            [policy({ ...allow, Condition: { StringLike: { "cloudwatch:Namespace": "Master*" } } })],
            {},
            "implicit-deny",
        ],
        [
            "refuse where a condition asks about what nobody knows",
            [policy({ ...allow, Condition: { StringEquals: { "aws:username": "x" } } })],
            {},
            "implicit-deny",
        ],
    ])("%s", (_, policies, changes, verdict) => {
        expect(evaluate(policies, ask(changes))).toBe(verdict);
    });

    it("allow nothing that is not understood", () => {
        for (const wrong of [
            { ...allow, Condition: { NumericLessThan: { "cloudwatch:namespace": "1" } } },
            { ...allow, Resource: "arn:aws:ssm:*:*:parameter/${aws:username}" },
            { ...allow, Principal: "*" },
            { ...allow, Effect: "Perhaps" },
        ]) {
            expect(() => evaluate([policy(allow, wrong)], ask())).toThrow();
        }
    });

    it("have two wildcards, and no others", () => {
        expect(matches("a*c?", "abbbcd")).toBe(true);
        expect(matches("a.c", "abc")).toBe(false);
        expect(matches("a*", "a\nb")).toBe(true);
        expect(matches("(a|b)", "a")).toBe(false);
    });
});
