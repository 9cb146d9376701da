import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const templates = join(__dirname, "..", "..", "config-templates");

/** Calls a function of a Python module that lands on machines, once for each list of arguments. */
function call(module: string, name: string, calls: unknown[][], prepare = "lambda *given: given"): unknown[] {
    const program = `
import importlib.util, json, sys
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("it", ${JSON.stringify(join(templates, module))})
it = importlib.util.module_from_spec(spec)
sys.modules["it"] = it
spec.loader.exec_module(it)
prepare = ${prepare}
def answer(given):
    try:
        return it.${name}(*prepare(*given))
    except it.Unusable as reason:
        return f"refused: {reason}"
print(json.dumps([answer(given) for given in json.load(sys.stdin)], default=vars))`;
    const { status, stdout, stderr } = spawnSync("/usr/bin/python3", ["-c", program], {
        input: JSON.stringify(calls),
        encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return JSON.parse(stdout) as unknown[];
}

const day = 86_400;
const names = ["stream.radio.test", "ingest.radio.test"];
/** Issued at 0, for 90 days. */
const held = { names: [...names].reverse(), notBefore: 0, notAfter: 90 * day };

describe("what a Master needs of the certificate authority", () => {
    it.each([
        ["nothing while the certificate is young", 10 * day, 0, held, null],
        ["nothing just before a third of its life is left", 59.9 * day, 0, held, null],
        ["a renewal when a third is left, on the preferred Master", 60.1 * day, 0, held, "age"],
        ["nothing then, on the other", 60.1 * day, 1, held, null],
        ["a renewal on the other when a quarter is left", 67.6 * day, 1, held, "age"],
        ["nothing then, on a third Master", 67.6 * day, 2, held, null],
        ["a renewal at a tenth, whatever the rank", 81.1 * day, 7, held, "age"],
        ["one when it has expired", 90 * day, 1, held, "first"],
        ["one when there is none", 0, 0, null, "first"],
        ["one when a name is missing", 0, 0, { ...held, names: ["stream.radio.test"] }, "first"],
        ["nothing when it is for more names", 0, 0, { ...held, names: [...names, "old.radio.test"] }, null],
    ])("is %s", (_what, now, rank, certificate, expected) => {
        expect(call("master/certificate_rules.py", "need", [[now, names, rank, certificate]])).toEqual([
            expected,
        ]);
    });
});

describe("a Master asks the authority", () => {
    const now = 1_000_000;
    it.each<[string, number, string | null, Record<string, unknown>, boolean]>([
        ["not for what it does not need", 0, null, {}, false],
        ["at once to renew", 0, "age", {}, true],
        ["not again soon after a failure", 0, "age", { retryAt: now + 1 }, false],
        ["again when the time for it has come", 0, "age", { retryAt: now }, true],
        ["not while names lead elsewhere", 0, "first", { wantedSince: now - 599 }, false],
        ["all the same after ten minutes", 0, "first", { wantedSince: now - 600 }, true],
        ["later than the preferred one then", 1, "first", { wantedSince: now - 899 }, false],
        ["at once when all names lead here", 0, "first", { wantedSince: now, answeredSince: now }, true],
        ["later as the second", 1, "first", { wantedSince: now, answeredSince: now - 179 }, false],
        ["then, if the first did not", 1, "first", { wantedSince: now, answeredSince: now - 180 }, true],
        [
            "not again although names lead here, when that was so at the failure",
            0,
            "first",
            { wantedSince: 0, answeredSince: now - 500, retryAt: now + 1 },
            false,
        ],
        [
            "again as soon as names lead here, when they did not at the failure",
            0,
            "first",
            { wantedSince: 0, answeredSince: now, retryAt: now + 1, failedUnanswered: true },
            true,
        ],
        [
            "not again while they still do not",
            0,
            "first",
            { wantedSince: 0, retryAt: now + 1, failedUnanswered: true },
            false,
        ],
    ])("%s", (_what, rank, wanted, state, expected) => {
        const [answer] = call("master/certificate_rules.py", "verdict", [[now, rank, wanted, state]]);
        expect(answer).toEqual([expected, expect.any(String)]);
    });

    it("ever more rarely after failures, so that no hour has more than four", () => {
        const waits = call(
            "master/certificate_rules.py",
            "retry_after",
            [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => [failures]),
        );
        expect(waits).toEqual([300, 600, 1200, 2400, 4800, 9600, 19200, 21600, 21600]);
    });
});

describe("of several certificates, the best", () => {
    const bundle = (sha256: string, change: object = {}) => ({
        pem: "",
        names,
        not_before: 0,
        not_after: 90 * day,
        issuer: "",
        sha256,
        ...change,
    });
    it.each([
        ["is none of none", [], null],
        ["is the one issued last", [bundle("a"), bundle("b", { not_before: 5 })], "b"],
        ["is the one we have, of equals", [bundle("a"), bundle("b")], "a"],
        [
            "is issued last even where it ends first",
            [bundle("a"), bundle("b", { not_before: 5, not_after: 6 * day })],
            "b",
        ],
        ["is for all names", [bundle("a", { not_before: 5, names: names.slice(1) }), bundle("b")], "b"],
        ["is for some names where none is for all", [bundle("a", { names: names.slice(1) })], "a"],
        ["is not for other names", [bundle("a", { names: ["x.test"] })], null],
        ["is not expired", [bundle("a", { not_after: day })], null],
        ["is not of the future", [bundle("a", { not_before: day + 301 })], null],
        ["may be of a clock that is ahead", [bundle("a", { not_before: day + 299 })], "a"],
    ])("%s", (_what, given, expected) => {
        const [found] = call(
            "machine/bundles.py",
            "best",
            [[given, names, day]],
            "lambda given, *rest: ([it.Bundle(**one) for one in given], *rest)",
        );
        expect((found as { sha256: string } | null)?.sha256 ?? null).toBe(expected);
    });
});

describe("a bundle is read", () => {
    let folder: string;
    const keyAndCertificate = (name: string) => {
        const key = join(folder, `${name}.key`);
        const { stdout } = spawnSync(
            "openssl",
            [
                ...[
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-keyout",
                    key,
                ],
                ...[
                    "-days",
                    "2",
                    "-subj",
                    "/O=Ä, b/CN=it",
                    "-addext",
                    `subjectAltName=DNS:${name},DNS:b.test`,
                ],
            ],
            { encoding: "utf8" },
        );
        return { certificate: stdout, key: readFileSync(key, "utf8") };
    };
    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "aerial-bundle-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    it("with its names, times and fingerprint", () => {
        const { certificate, key } = keyAndCertificate("a.test");
        writeFileSync(join(folder, "it.pem"), certificate);
        const fingerprint = spawnSync(
            "openssl",
            ["x509", "-noout", "-fingerprint", "-sha256", "-in", join(folder, "it.pem")],
            { encoding: "utf8" },
        ).stdout;
        const [read] = call("machine/bundles.py", "read_bundle", [[certificate + key]]);
        expect(read).toMatchObject({
            names: ["a.test", "b.test"],
            sha256: fingerprint.replace(/^.*=/, "").replace(/[:\s]/g, "").toLowerCase(),
        });
        const { not_before: from, not_after: to } = read as { not_before: number; not_after: number };
        expect(to - from).toBe(2 * day);
        expect(Math.abs(from - Date.now() / 1000)).toBeLessThan(60);
    });

    it("or refused, when it is none, lacks its key or has another's", () => {
        const one = keyAndCertificate("a.test");
        const other = keyAndCertificate("b.test");
        const answers = call("machine/bundles.py", "read_bundle", [
            [""],
            [one.certificate],
            [one.key],
            [one.certificate + other.key],
            [one.certificate.slice(0, 200)],
        ]);
        expect(answers).toEqual([
            expect.stringContaining("refused"),
            expect.stringContaining("refused"),
            expect.stringContaining("refused"),
            "refused: its key is not that of its certificate",
            expect.stringContaining("refused"),
        ]);
    });
});
