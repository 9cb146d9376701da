import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import fc from "fast-check";

import { secretFiles, secretsAskedFor, type SecretFile } from "../../components/machine/secrets";
import { escapeFor } from "../../components/machine/escape";

const machine = join(__dirname, "..", "..", "config-templates", "machine");
const program = join(machine, "secrets/aerial-secrets.py");

let root: string;

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aerial-secrets-"));
});

afterEach(() => {
    rmSync(root, { recursive: true });
});

function secretFile(change: Partial<SecretFile>): SecretFile {
    return {
        target: "/etc/aerial/it",
        format: "raw",
        content: "",
        owner: "root:root",
        mode: "0640",
        reload: ["aerial-it.service"],
        ...change,
    };
}

function install(...files: SecretFile[]): void {
    for (const file of secretFiles(files, secretsAskedFor(files))) {
        const path = join(root, file.path);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, file.content);
    }
}

function apply(input: unknown, environment: Record<string, string> = {}) {
    const noReload = environment.PATH === undefined ? ["--no-reload"] : [];
    const { status, stdout, stderr } = spawnSync(
        "/usr/bin/python3",
        [program, "apply", "--root", root, ...noReload],
        {
            input: typeof input === "string" ? input : JSON.stringify(input),
            encoding: "utf8",
            env: { ...process.env, PYTHONPATH: join(machine, "python"), ...environment },
        },
    );
    return { status, stdout, stderr };
}

const read = (path: string) => readFileSync(join(root, path), "utf8");
const exists = (path: string) => statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

/** Stand-ins for the system's programs, which note how they were called. */
function systemPrograms(answers: string): Record<string, string> {
    const folder = join(root, "bin");
    mkdirSync(folder);
    for (const name of ["systemctl", "cloud-init"]) {
        writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $*" >> "${root}/calls"\n${answers}\n`);
        chmodSync(join(folder, name), 0o755);
    }
    return { PATH: `${folder}:${process.env.PATH ?? ""}` };
}

describe("aerial-secrets", () => {
    it("fills in values, files and forms of them, for the owner's group only", () => {
        install(
            secretFile({ content: "key @{file.tls.key}" }),
            secretFile({ target: "/etc/aerial/x.xml", format: "xml", content: "<p>@{relay.link}</p>" }),
            secretFile({ target: "/etc/aerial/n", format: "nginx", content: "@{relay.link|basic relay};" }),
            secretFile({ target: "/etc/aerial/h", format: "htpasswd", content: "relay:@{relay.link}\n" }),
            secretFile({ target: "/etc/aerial/u", content: "relay:{SHA}@{relay.link|sha1}\n" }),
        );
        const result = apply({ values: { "relay.link": "a<b" }, files: { "tls.key": "line\nline\n" } });
        expect(result).toMatchObject({ status: 0, stderr: "" });
        expect(read("etc/aerial/it")).toBe("key line\nline\n");
        expect(read("etc/aerial/x.xml")).toBe("<p>a&lt;b</p>");
        expect(read("etc/aerial/n")).toBe(`"Basic ${Buffer.from("relay:a<b").toString("base64")}";`);
        expect(read("etc/aerial/h")).toBe("relay:1a382af93ed4b8a29ebd8e859a0168d7\n");
        expect(read("etc/aerial/u")).toBe("relay:{SHA}umbuiP8ghREU+eb3qMP8pxam/jg=\n");
        expect(statSync(join(root, "etc/aerial/it")).mode & 0o777).toBe(0o640);
        expect(statSync(join(root, "etc/aerial/secrets")).mode & 0o777).toBe(0o700);
        expect(statSync(join(root, "etc/aerial/secrets/delivered.json")).mode & 0o777).toBe(0o600);
    });

    it("makes a machine's own values once, long and unlike each other", () => {
        install(secretFile({ content: "@{local.admin} @{local.source} @{local.admin}" }));
        apply({});
        const first = read("etc/aerial/it");
        const [admin, source, again] = first.split(" ");
        expect(admin).toMatch(/^[0-9a-f]{48}$/);
        expect(again).toBe(admin);
        expect(source).not.toBe(admin);
        apply({});
        expect(read("etc/aerial/it")).toBe(first);
    });

    it("never prints a secret", () => {
        install(secretFile({ content: "@{relay.link} @{missing}" }));
        const result = apply({ values: { "relay.link": "hunter2" } });
        expect(result.stdout + result.stderr).not.toContain("hunter2");
        expect(apply('{"values": {"relay.link": "hunter2"').stderr).toBe(
            "aerial-secrets: the input is not JSON\n",
        );
    });

    it("writes nothing when anything is missing", () => {
        install(
            secretFile({ content: "@{relay.link}" }),
            secretFile({ target: "/etc/aerial/two", content: "@{source.main.studio}" }),
        );
        const result = apply({ values: { "relay.link": "x" } });
        expect(result.status).toBe(1);
        expect(result.stderr).toBe(
            "aerial-secrets: /etc/aerial/two: @{source.main.studio} was not delivered\n",
        );
        expect(exists("etc/aerial/it")).toBe(false);
        expect(exists("etc/aerial/secrets")).toBe(false);
    });

    it.each([
        [[], "the input must be"],
        [{ value: {} }, "the input must be"],
        [{ values: { "a b": "x" } }, "has a bad name"],
        [{ values: { "../x": "x" } }, "has a bad name"],
        [{ values: { a: 1 } }, "must be a text that is not empty"],
        [{ values: { a: "" } }, "must be a text that is not empty"],
        [{ values: { a: "x\ny" } }, "holds a control character"],
        ["x".repeat(1 << 21), "longer than 1 MiB"],
    ])("refuses %j", (input, message) => {
        install();
        const result = apply(input);
        expect(result.status).toBe(1);
        expect(result.stderr).toContain(message);
    });

    it("refuses a value that its format cannot hold", () => {
        install(secretFile({ format: "nginx", content: "@{relay.link}" }));
        expect(apply({ values: { "relay.link": "a$b" } }).stderr).toContain(
            "@{relay.link} cannot be used: NGINX",
        );
    });

    it("reloads what changed and runs, and starts the target", () => {
        install(secretFile({ content: "@{a}" }), secretFile({ target: "/etc/aerial/same", content: "same" }));
        const environment = systemPrograms("exit 0");
        expect(apply({ values: { a: "1" } }, environment).status).toBe(0);
        expect(read("calls").split("\n")).toEqual([
            "cloud-init status --wait",
            "systemctl --quiet is-active aerial-it.service",
            "systemctl reload aerial-it.service",
            "systemctl start aerial.target",
            "",
        ]);
        writeFileSync(join(root, "calls"), "");
        apply({ values: { a: "1" } }, environment);
        expect(read("calls")).not.toContain("reload");
    });

    it("remembers a reload that did not succeed, and does it the next time", () => {
        install(secretFile({ content: "@{a}" }));
        const environment = systemPrograms(`case "$*" in *reload*) exit $(cat "${root}/code");; esac`);
        writeFileSync(join(root, "code"), "1");
        expect(apply({ values: { a: "1" } }, environment).stderr).toContain("aerial-it.service");
        writeFileSync(join(root, "code"), "0");
        expect(apply({ values: { a: "1" } }, environment).stdout).toContain("reloaded aerial-it.service");
        expect(apply({ values: { a: "1" } }, environment).stdout).not.toContain("reloaded");
    });

    it("escapes as the program that renders templates does", () => {
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
                install(
                    ...formats.map((format) =>
                        secretFile({
                            target: `/etc/aerial/${format}`,
                            format,
                            content: Object.keys(values)
                                .map((name) => `@{${name}}`)
                                .join("\n"),
                        }),
                    ),
                );
                expect(apply({ values }).stderr).toBe("");
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
