import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";

import { baseRole } from "../../components/machine/base";
import { deliveryJson, deliveryText, noSecrets } from "../../components/machine/delivery";
import { escapeFor } from "../../components/machine/escape";
import type { MachineFile, MachineRole } from "../../components/machine/role";
import { renderMaster } from "../../components/master/render";
import { masterPlan } from "../support/masterPlan";
import { readDelivery } from "../support/readDelivery";

const programs = join(__dirname, "..", "..", "config-templates/machine/delivery");

let root: string;

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aerial-delivery-"));
});

afterEach(() => {
    rmSync(root, { recursive: true });
});

function file(change: Partial<MachineFile>): MachineFile {
    return { path: "/etc/aerial/it", content: "", owner: "root:root", mode: "0640", ...change };
}

function role(...files: MachineFile[]): MachineRole {
    return { packages: [], units: [], services: [], maskedUnits: [], files };
}

interface Secrets {
    values?: Record<string, unknown>;
    files?: Record<string, unknown>;
}

function apply(files: MachineFile[], { values = {}, files: given = {} }: Secrets = {}) {
    return applyText(
        deliveryJson({ role: role(...files), readySeconds: 1 }, JSON.stringify({ values, files: given })),
    );
}

/** As `aerial-receive` has it applied: it lets nobody else read what it makes itself. */
function applyText(input: string) {
    const { status, stdout, stderr } = spawnSync(
        "/bin/sh",
        [
            ...["-c", 'umask 077; exec "$@"', "sh"],
            ...["/usr/bin/python3", "-B", "-m", "deliver.apply", "--files-only", "--root", root],
        ],
        { input, encoding: "utf8", cwd: programs },
    );
    return { status, stdout, stderr };
}

const read = (path: string) => readFileSync(join(root, path), "utf8");
const modeOf = (path: string) => statSync(join(root, path)).mode & 0o7777;

describe("a delivery's text", () => {
    it("is the same for the same role", () => {
        const text = () => deliveryText({ role: renderMaster(masterPlan()), readySeconds: 5 }, noSecrets);
        expect(text()).toBe(text());
    });

    it("says all that a role says, and what a part of it means that says nothing", () => {
        const plain = { path: "/etc/plain", content: "grüße @{no.secret}", mode: "0644" };
        const whole = {
            unit: "b.service",
            ...{ reads: ["/etc/b"], onChange: "reload" as const, check: ["b", "--check"], packages: ["b"] },
            well: ["b", "--well"],
        };
        const given: MachineRole = {
            packages: ["b"],
            maskedUnits: ["c.service"],
            units: ["b.service"],
            services: [{ unit: "a.service", reads: [], onChange: "nothing" }, whole],
            files: [plain, file({ content: "@{relay.link}", secretFormat: "xml", owner: "root:icecast" })],
        };
        const secrets = { values: { "relay.link": "hunter2" }, files: {} };
        expect(readDelivery(deliveryText({ role: given, readySeconds: 5 }, JSON.stringify(secrets)))).toEqual(
            {
                packages: ["b"],
                masked: ["c.service"],
                units: ["b.service"],
                services: [
                    { unit: "a.service", reads: [], on_change: "nothing", check: [], packages: [], well: [] },
                    {
                        ...{ unit: "b.service", reads: ["/etc/b"], on_change: "reload" },
                        ...{ check: ["b", "--check"], packages: ["b"], well: ["b", "--well"] },
                    },
                ],
                files: [
                    { ...plain, owner: "root:root", format: null },
                    {
                        ...{ path: "/etc/aerial/it", content: "@{relay.link}", mode: "0640" },
                        ...{ owner: "root:icecast", format: "xml" },
                    },
                ],
                secrets,
                ready_seconds: 5,
            },
        );
    });
});

describe("a delivery's files", () => {
    it("are filled with values, files and forms of them, for the owner's group only", () => {
        const result = apply(
            [
                file({ secretFormat: "raw", content: "key @{file.tls.key}" }),
                file({ path: "/etc/aerial/x.xml", secretFormat: "xml", content: "<p>@{relay.link}</p>" }),
                file({ path: "/etc/aerial/n", secretFormat: "nginx", content: "@{relay.link|basic};" }),
                file({
                    path: "/etc/aerial/h",
                    secretFormat: "htpasswd",
                    content: "relay:@{relay.link}\n",
                }),
                file({
                    path: "/etc/aerial/u",
                    secretFormat: "raw",
                    content: "relay:{SHA}@{relay.link|sha1}\n",
                }),
                file({ path: "/etc/aerial/plain", content: "@{relay.link}" }),
            ],
            { values: { "relay.link": "a<b" }, files: { "tls.key": "line\nline\n" } },
        );
        expect(result).toEqual({ status: 0, stdout: "", stderr: "" });
        expect(read("etc/aerial/it")).toBe("key line\nline\n");
        expect(read("etc/aerial/x.xml")).toBe("<p>a&lt;b</p>");
        expect(read("etc/aerial/n")).toBe(`"Basic ${Buffer.from("a<b").toString("base64")}";`);
        expect(read("etc/aerial/h")).toBe("relay:1a382af93ed4b8a29ebd8e859a0168d7\n");
        expect(read("etc/aerial/u")).toBe("relay:{SHA}umbuiP8ghREU+eb3qMP8pxam/jg=\n");
        expect(read("etc/aerial/plain")).toBe("@{relay.link}");
        expect(modeOf("etc/aerial/it")).toBe(0o640);
        expect(modeOf("etc/aerial/secrets/delivered.json")).toBe(0o600);
        expect(modeOf("var/lib/aerial/delivery/current")).toBe(0o700);
    });

    it("are on the machine as the role has them, in folders that services of other users look into", () => {
        const files = [
            file({ path: "/etc/aerial/script", content: "#!/bin/sh\r\n# grüße ☂\n", mode: "0750" }),
            file({ path: "/etc/aerial/empty", mode: "0600" }),
        ];
        expect(apply(files)).toEqual({ status: 0, stdout: "", stderr: "" });
        for (const { path, content, mode } of files) {
            expect(read(path)).toBe(content);
            expect(modeOf(path)).toBe(parseInt(mode, 8));
        }
        // NGINX reads below the second what the certificate is, and so what health and metrics say of it.
        expect(["etc/aerial", "var/lib/aerial"].map(modeOf)).toEqual([0o755, 0o755]);
    });

    it("hold a machine's own values, made once, long and unlike each other", () => {
        const files = [
            file({ secretFormat: "raw", content: "@{local.admin} @{local.source} @{local.admin}" }),
        ];
        apply(files);
        const first = read("etc/aerial/it");
        const [admin, source, again] = first.split(" ");
        expect(admin).toMatch(/^[0-9a-f]{48}$/);
        expect(again).toBe(admin);
        expect(source).not.toBe(admin);
        apply(files);
        expect(read("etc/aerial/it")).toBe(first);
    });

    it("are not written when a secret is missing, and none is printed", () => {
        const result = apply(
            [
                file({ secretFormat: "raw", content: "@{relay.link}" }),
                file({ path: "/etc/aerial/two", secretFormat: "raw", content: "@{source.main.studio}" }),
            ],
            { values: { "relay.link": "hunter2" } },
        );
        expect(result).toEqual({
            status: 1,
            stdout: "",
            stderr: "delivery: /etc/aerial/two: @{source.main.studio} was not delivered\n",
        });
        expect(existsSync(join(root, "etc"))).toBe(false);
    });

    it.each([
        [{ values: { "a b": "x" } }, "has a bad name"],
        [{ values: { "../x": "x" } }, "has a bad name"],
        [{ values: { a: 1 } }, "must be a text that is not empty"],
        [{ values: { a: "" } }, "must be a text that is not empty"],
        [{ values: { a: "x\ny" } }, "holds a control character"],
    ])("are not written for %j", (secrets, message) => {
        const result = apply([], secrets);
        expect(result.status).toBe(1);
        expect(result.stderr).toContain(message);
    });

    it.each(["[]", "{", '{"files":[]}'])("are not written for the delivery %s", (text) => {
        expect(applyText(text)).toMatchObject({
            status: 1,
            stderr: expect.stringContaining("the delivery ") as string,
        });
    });

    it("are refused when a format cannot hold a value", () => {
        const files = [file({ secretFormat: "nginx", content: "@{relay.link}" })];
        expect(apply(files, { values: { "relay.link": "a$b" } }).stderr).toContain(
            "@{relay.link} cannot be used: NGINX",
        );
    });

    it("are escaped as the program that renders templates escapes", () => {
        const formats = ["xml", "liquidsoap", "nginx", "shell", "unit"] as const;
        const awkward = fc.string({
            unit: fc.constantFrom("a", " ", "\\", '"', "'", "#", "{", "}", "$", "<", ">", "&", "%", ";", "é"),
            minLength: 1,
            maxLength: 10,
        });
        // One process for many values: a placeholder each.
        fc.assert(
            fc.property(fc.array(awkward, { minLength: 30, maxLength: 30 }), (list) => {
                const values: Record<string, string> = Object.fromEntries(
                    list
                        .map((value, index): [string, string] => [`v${index}`, value.replaceAll("$", "")])
                        .filter(([, value]) => value !== ""),
                );
                const files = formats.map((format) =>
                    file({
                        path: `/etc/aerial/${format}`,
                        secretFormat: format,
                        content: Object.keys(values)
                            .map((name) => `@{${name}}`)
                            .join("\n"),
                    }),
                );
                expect(apply(files, { values }).stderr).toBe("");
                for (const format of formats) {
                    expect(read(`etc/aerial/${format}`)).toBe(
                        Object.values(values).map(escapeFor(format)).join("\n"),
                    );
                }
            }),
            { numRuns: 5 },
        );
    });
});

describe("aerial-receive", () => {
    it("has a delivery applied by the programs that it brings, whatever is on the machine", () => {
        // What would apply it says what it was given instead.
        const spy = { path: "/usr/local/lib/aerial/deliver/apply.py", mode: "0644" };
        const delivered = {
            ...baseRole(),
            files: [
                ...baseRole().files.filter(({ path }) => path !== spy.path),
                { ...spy, content: "import sys\nprint(len(sys.stdin.read()), __file__)\nsys.exit(7)\n" },
            ],
        };
        const receive = join(programs, "aerial-receive.py");
        mkdirSync(join(root, "run"));
        const { status, stdout } = spawnSync("/usr/bin/python3", ["-B", receive], {
            input: deliveryText({ role: delivered, readySeconds: 1 }, '{"values":{},"files":{}}'),
            encoding: "utf8",
            env: { ...process.env, AERIAL_ROOT: root },
        });
        expect(status).toBe(7);
        expect(stdout.replace(root, "")).toMatch(
            /^\d{5,} \/run\/aerial-delivery-[^/]+\/deliver\/apply.py\n$/,
        );
        expect(readdirSync(join(root, "run"))).toEqual([]);
    });
});
