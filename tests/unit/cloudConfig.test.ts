import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parse } from "yaml";

import {
    renderCloudConfig,
    renderJoiningConfig,
    userDataLimitBytes,
} from "../../components/machine/cloudConfig";
import type { MachineRole } from "../../components/machine/role";
import { unpack } from "../support/userData";

const empty: MachineRole = { packages: [], files: [], units: [], maskedUnits: [] };

function render(role: Partial<MachineRole>, limitBytes: number = userDataLimitBytes.digitalOcean): string {
    return renderCloudConfig(
        { hostname: "m", authorizedKeys: [], enrolHostKey: "key", role: { ...empty, ...role } },
        limitBytes,
    );
}

describe("cloud-config", () => {
    it("larger than the provider takes is refused, with the file to blame", () => {
        const files = [{ path: "/etc/huge", content: randomBytes(50_000).toString("hex"), mode: "0644" }];
        expect(() => render({ files })).toThrow(
            /user data of m has \d+ bytes, \d+ more .* \/etc\/huge \(100000 bytes\)/,
        );
    });

    it("is the same for the same role", () => {
        const files = [{ path: "/x", content: "long enough to be compressed ".repeat(40), mode: "0644" }];
        expect(render({ files })).toBe(render({ files }));
    });

    it("with one file written twice is refused", () => {
        const file = { path: "/etc/ssh/sshd_config.d/00-aerial.conf", content: "", mode: "0644" };
        expect(() => render({ files: [file] })).toThrow(
            "two parts of the role both write /etc/ssh/sshd_config.d/00-aerial.conf",
        );
    });

    it("is plain ASCII whatever a role writes, so that cloud-init keeps it as it is", () => {
        const text = render({ files: [{ path: "/x", content: "Ünïcödé ☂", mode: "0644" }] });

        expect(text).toMatch(/^[\u0000-\u007f]*$/);
    });

    it("writes its files on the machine as the role has them", () => {
        const folder = mkdtempSync(join(tmpdir(), "aerial-unpack-"));
        const owner = ["-un", "-gn"].map((flag) => execFileSync("id", [flag]).toString().trim()).join(":");
        const files = [
            { path: join(folder, "a/b/script"), content: "#!/bin/sh\r\n# grüße\n", mode: "0750", owner },
            { path: join(folder, "empty"), content: "", mode: "0600", owner },
        ];
        const document = parse(render({ files })) as { write_files: { path: string; content: string }[] };
        const contentOf = (name: string): string =>
            document.write_files.find(({ path }) => path.endsWith(name))?.content ?? "";
        const own = unpack(contentOf("files.json")).filter(({ path }) => path.startsWith(folder));
        writeFileSync(join(folder, "files.json"), JSON.stringify(own));
        writeFileSync(join(folder, "unpack"), contentOf("aerial-unpack"));
        execFileSync("python3", [join(folder, "unpack"), join(folder, "files.json")]);
        for (const { path, content, mode } of files) {
            expect(readFileSync(path, "utf8")).toBe(content);
            expect((statSync(path).mode & 0o7777).toString(8)).toBe(mode.slice(1));
        }
        rmSync(folder, { recursive: true });
    });
});

describe("cloud-config of a machine that joins by itself", () => {
    const join = (role: Partial<MachineRole>, loader: MachineRole["files"] = []): string =>
        renderJoiningConfig(
            { name: "canary", role: { ...empty, ...role }, loader, fetch: ["/usr/local/sbin/fetch"] },
            userDataLimitBytes.ec2,
        );

    it("holds its loader, and of its role only the packages and the units", () => {
        const loader = [{ path: "/usr/local/sbin/fetch", content: "#!/bin/sh\n", mode: "0755" }];
        const files = [{ path: "/etc/large", content: randomBytes(50_000).toString("hex"), mode: "0644" }];
        const text = join({ packages: ["nginx"], units: ["a.service"], files }, loader);
        expect(parse(text)).toMatchObject({
            users: [],
            packages: ["nginx"],
            write_files: [
                { path: "/usr/local/sbin/fetch", permissions: "0755", content: "#!/bin/sh\n" },
                { path: "/usr/local/sbin/aerial-unpack" },
            ],
            runcmd: [["/usr/local/sbin/fetch"], expect.anything(), expect.anything(), expect.anything()],
        });
        expect(text).not.toContain("/etc/large");
    });

    it("larger than EC2 takes is refused, with the remedy", () => {
        const packages = Array.from({ length: 1500 }, (_, index) => `package-${index}`);
        expect(() => join({ packages }, [{ path: "/x", content: "x", mode: "0644" }])).toThrow(
            /user data of canary has \d+ bytes, \d+ more .* is \/x \(1 bytes\); take packages out of the role/,
        );
    });
});
