import fc from "fast-check";

import { refuseOtherSecrets, refusePlaceholders, type SecretFile } from "../../components/machine/secrets";
import type { MasterPlan } from "../../components/master/plan";
import { renderMaster } from "../../components/master/render";
import type { SourcePlan } from "../../model/sources";
import { masterPlan } from "../support/masterPlan";

function fileOf(plan: MasterPlan, path: string): string {
    const file = renderMaster(plan).files.find((candidate) => candidate.path === path);
    if (file === undefined) {
        throw new Error(`${path} is not rendered`);
    }
    return file.content;
}

const icecastXml = "/etc/aerial/icecast.xml";
const nginxConf = "/etc/aerial/nginx.conf";
const radio = "/etc/aerial/radio/main.liq";

function mountOf(xml: string, name: string): string {
    const mount = xml.split("<mount ").find((part) => part.includes(`<mount-name>${name}</mount-name>`));
    if (mount === undefined) {
        throw new Error(`no mount ${name}`);
    }
    return mount;
}

describe("what a Master's machine is told", () => {
    it("asks for exactly the secrets of its sources, links and certificate", () => {
        const text = renderMaster(masterPlan())
            .files.filter((file) => file.secretFormat !== undefined)
            .map((file) => file.content)
            .join("");
        const names = new Set([...text.matchAll(/@\{([^}|]*)/g)].map((match) => match[1]));
        expect([...names].sort()).toEqual([
            "file.ca.pem",
            "file.tls.key",
            "file.tls.pem",
            "local.admin",
            "local.listener",
            "local.source",
            "local.unlisted-mounts",
            "local.unlisted-relays",
            "relay.link",
            "relay.link.1",
            "relay.link.2",
            "relay.link.3",
            "source.jazz.airtime",
            "source.jazz.mobile",
            "source.jazz.studio",
            "source.main.airtime",
            "source.main.mobile",
            "source.main.studio",
        ]);
    });

    it("runs one Liquidsoap a channel, and masks Debian's own units", () => {
        const role = renderMaster(masterPlan());
        expect(role.units).toEqual([
            "aerial-metadata-guard.service",
            "aerial.target",
            "aerial-icecast.service",
            "aerial-nginx.service",
            "aerial-certificate.timer",
            "aerial-announcement@main.service",
            "aerial-radio@main.service",
            "aerial-announcement@jazz.service",
            "aerial-radio@jazz.service",
        ]);
        expect(role.maskedUnits).toEqual(["icecast2.service", "liquidsoap.service", "nginx.service"]);
    });

    it("hides every mount, and asks for a password on each, for many Relays with one name", () => {
        const mounts = fileOf(masterPlan(), icecastXml).split("<mount ").slice(1);
        expect(mounts).toHaveLength(6 + 3);
        for (const mount of mounts) {
            expect(mount).toContain("<hidden>1</hidden>");
            expect(mount).toContain("/etc/aerial/icecast-listeners");
            expect(mount).toContain('name="allow_duplicate_users" value="1"');
        }
    });

    it("gives each source its own user and password", () => {
        const mount = mountOf(fileOf(masterPlan(), icecastXml), "/main-mobile");
        expect(mount).toContain("<username>mobile</username>");
        expect(mount).toContain("<password>@{source.main.mobile}</password>");
    });

    it.each([
        ["/main.mp3", 384_000, 768_000, 2400],
        ["/main.aac", 128_000, 256_000, 800],
    ])(
        "gives a link to %s 16 s of the past, 32 s to lag, and a title every 0.1 s",
        (path, burst, queue, title) => {
            const mount = mountOf(fileOf(masterPlan(), icecastXml), path);
            expect(mount).toContain(`<burst-size>${burst}</burst-size>`);
            expect(mount).toContain(`<queue-size>${queue}</queue-size>`);
            expect(mount).toContain(`<mp3-metadata-interval>${title}</mp3-metadata-interval>`);
        },
    );

    it("passes titles on in UTF-8 at every mount", () => {
        const mounts = fileOf(masterPlan(), icecastXml).split("<mount ").slice(1);
        expect(mounts.filter((mount) => !mount.includes("<charset>UTF-8</charset>"))).toEqual([]);
    });

    it.each([
        [0.5, 3],
        [3.5, 4],
        [10, 10],
    ])(
        "keeps a source that sends nothing for longer than the %d s that are held",
        (bufferSeconds, timeout) => {
            const plan = masterPlan({ bufferSeconds });
            expect(fileOf(plan, radio)).toContain(`held_seconds = (${bufferSeconds.toFixed(2)})`);
            expect(fileOf(plan, icecastXml)).toContain(`<source-timeout>${timeout}</source-timeout>`);
            // Icecast takes up to 1 s more; whoever reads from it waits longer.
            expect(fileOf(plan, radio)).toContain(`timeout=(${timeout + 3}.00)`);
            expect(fileOf(plan, nginxConf)).toContain(`proxy_read_timeout ${timeout + 3}s;`);
        },
    );

    it("plays its sources in the plan's order, here first and then from the other Masters", () => {
        const sources: SourcePlan[] = [
            { name: "night", title: "Night" },
            { name: "day", title: "Day" },
        ];
        const peer = (id: string) => ({ id, host: "198.19.0.9", port: 8443, tlsName: id });
        const text = fileOf(masterPlan({ sources, peers: [peer("b"), peer("c")] }), radio);
        expect([
            ...text.matchAll(/source_of\(name="(\w+)", mount="([^"]+)", peer_ports=\[([^\]]*)\]/g),
        ]).toEqual([
            expect.arrayContaining(["night", "/main-night", "8101, 8102"]),
            expect.arrayContaining(["day", "/main-day", "8101, 8102"]),
        ]);
    });

    it("verifies another Master by name and by the station's own CA", () => {
        const text = fileOf(masterPlan(), nginxConf);
        expect(text).toContain('proxy_pass "https://198.19.0.2:8443";');
        expect(text).toContain('proxy_ssl_name "master-b.radio.test";');
        expect(text).toContain("proxy_ssl_verify on;");
    });

    it("asks the other Masters for challenges it does not know, but is not sent on by them", () => {
        const text = fileOf(masterPlan(), nginxConf);
        expect(text).toContain('server "198.19.0.2:80" max_fails=0;');
        expect(text).toContain('"" @peers;');
        expect(text).toContain("proxy_set_header Aerial-Peer 1;");
    });

    it("says how to obtain the public certificate, and which other Masters have it", () => {
        expect(JSON.parse(fileOf(masterPlan({ rank: 1 }), "/etc/aerial/certificate.json"))).toEqual({
            id: "a",
            rank: 1,
            names: ["stream.radio.test", "ingest.radio.test", "ams3.stream.radio.test"],
            directoryUrl: "https://acme.test:14000/dir",
            email: "engineer@radio.test",
            peers: [{ id: "b", host: "198.19.0.2", port: 8444, tlsName: "master-b.radio.test" }],
        });
    });

    it("measures every public mount", () => {
        const module = fileOf(masterPlan(), "/etc/aerial/js/master.js");
        for (const mount of ["/main.mp3", "/main.aac", "/jazz.mp3"]) {
            expect(module).toContain(`"${mount}"`);
        }
    });

    it("needs no other Master", () => {
        expect(fileOf(masterPlan({ peers: [] }), nginxConf)).not.toContain("@peers");
        expect(fileOf(masterPlan({ peers: [] }), nginxConf)).not.toContain("proxy_pass https");
        expect(fileOf(masterPlan({ peers: [] }), radio)).toContain("peer_ports=[]");
    });

    it("detects silence as configured, or not at all", () => {
        const silence = { detect: false, thresholdDb: -42.5, afterSeconds: 10, returnAfterSeconds: 3 };
        const text = fileOf(masterPlan({ silence }), radio);
        expect(text).toContain("detect_silence = ref(false)");
        expect(text).toContain("silence_db = (-42.50)");
    });
});

describe("a Master refuses", () => {
    it.each<[string, Partial<MasterPlan>, string]>([
        [
            "a channel that is a path",
            { channels: [{ id: "../etc", title: "x", formats: [] }] },
            '"../etc" is not an identifier',
        ],
        [
            "a source that ends a unit's line",
            { sources: [{ name: "a\nb", title: "x" }] },
            "is not an identifier",
        ],
        [
            "a mount with a query",
            {
                channels: [
                    {
                        id: "main",
                        title: "x",
                        formats: [
                            { codec: "mp3", bitrateKbps: 128, mount: "/a?b", contentType: "audio/mpeg" },
                        ],
                    },
                ],
            },
            '"/a?b" cannot be a mount',
        ],
        [
            "two sources on one mount",
            {
                channels: [
                    { id: "a-b", title: "x", formats: [] },
                    { id: "a", title: "x", formats: [] },
                ],
                sources: [
                    { name: "c", title: "x" },
                    { name: "b-c", title: "x" },
                ],
            },
            "two sources would have the mount /a-b-c",
        ],
        [
            "a Master without an address",
            { peers: [{ id: "b", host: "master-b.test", port: 8443, tlsName: "b" }] },
            '"master-b.test" is not the address of a Master',
        ],
        [
            "a public name that is none",
            { publicNames: ["stream.radio.test", "*.radio.test"] },
            '"*.radio.test" cannot be a name in a public certificate',
        ],
        ["a certificate without a name", { publicNames: [] }, "cannot be a name in a public certificate"],
        [
            "more names than a certificate holds",
            { publicNames: Array.from({ length: 101 }, (_, n) => `n${n}.radio.test`) },
            "the station has 101",
        ],
        [
            "an authority without TLS",
            { acme: { directoryUrl: "http://acme.test/dir", email: "a@radio.test" } },
            "is not an ACME directory",
        ],
        [
            "an address that would be an option",
            { acme: { directoryUrl: "https://acme.test/dir", email: "--server@radio.test" } },
            "is not an e-mail address",
        ],
        ["a rank that is none", { rank: -1 }, "a Master's rank is 0, 1"],
        ["a name that asks for a secret", { stationName: "@{relay.link}" }, "starts a secret's placeholder"],
        ["a title with a control character", { stationName: "a\u0007" }, "cannot be written in a"],
    ])("%s", (_what, change, message) => {
        expect(() => renderMaster(masterPlan(change))).toThrow(message);
    });

    it("a role whose files ask for other secrets than it declares", () => {
        const file: SecretFile = {
            ...{ path: "/a/x", secretFormat: "raw", owner: "root:root", mode: "0600" },
            content: "@{relay.link|md5} @{file.ca.pem} @{local.admin}",
        };
        const plain = { path: "/a/y", mode: "0644", content: "@{in.no.way.a.secret}" };
        const files = ["ca.pem"];
        const check = (values: string[], names = files) =>
            refuseOtherSecrets([file, plain], { values, files: names });
        expect(() => check(["relay.link"])).not.toThrow();
        expect(() => check([])).toThrow("need relay.link");
        expect(() => check(["relay.link", "more"])).toThrow("no file needs more");
        expect(() => check(["relay.link"], [])).toThrow("need ca.pem");
    });

    it("placeholders at any depth", () => {
        expect(() => refusePlaceholders({ a: [{ b: "x @{y}" }] })).toThrow("placeholder");
    });
});

describe("hostile names", () => {
    const hostile = fc.string({
        unit: fc.constantFrom(
            "a",
            " ",
            "\\",
            '"',
            "'",
            "#",
            "{",
            "}",
            "$",
            "<",
            ">",
            "&",
            "%",
            ";",
            "\n",
            "@",
            "]]>",
        ),
        maxLength: 12,
    });

    it("stay names in every file, or are refused", () => {
        fc.assert(
            fc.property(hostile, hostile, (stationName, title) => {
                const [main] = masterPlan().channels;
                if (main === undefined) {
                    throw new Error("the plan has no channel");
                }
                const plan = masterPlan({ stationName, channels: [{ ...main, title }] });
                let files;
                try {
                    files = renderMaster(plan).files;
                } catch (error) {
                    expect(String(error)).toMatch(/cannot be written|placeholder/);
                    return;
                }
                const text = (path: string) => files.find((file) => file.path === path)?.content ?? "";
                const location = /<location>(.*)<\/location>/.exec(text(icecastXml))?.[1] ?? "missing";
                expect(unescapeXml(location)).toBe(stationName);
                expect(liquidsoapString(text(radio), "station")).toBe(stationName);
                expect(liquidsoapString(text(radio), "title")).toBe(title);
            }),
        );
    });
});

function unescapeXml(text: string): string {
    expect(text).not.toMatch(/[<>"']/);
    const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
    return text.replace(/&(\w+);/g, (_whole, name: string) => named[name] ?? "?");
}

function liquidsoapString(script: string, name: string): string {
    const literal = new RegExp(`^${name} = \\("((?:[^"\\\\]|\\\\.)*)"\\)$`, "m").exec(script)?.[1];
    if (literal === undefined) {
        throw new Error(`${name} is no single string`);
    }
    expect(literal).not.toContain("#");
    return literal.replace(/\\x23|\\(.)/g, (_whole, character?: string) => character ?? "#");
}
