import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
    chmodSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { command } from "../../components/machine/files";
import { packFiles } from "../../components/machine/pack";
import { joiningRole, loaderFiles } from "../../components/canary/render";
import type { MachineFile } from "../../components/machine/role";
import { cutPack, pieceCount } from "../../components/canary/pieces";

const amazon = join(__dirname, "..", "support", "amazon");
const filesPath = "/aerial-test/relay/files/0123456789ab";

let root: string;
let fake: string;

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aerial-group-"));
    fake = join(root, "amazon");
    mkdirSync(fake);
    put("/var/lib/cloud/data/instance-id", "i-0abc123\n");
    put("/etc/hostname", "ip-10-78-0-9\n");
    putFiles([command("machine/files/aerial-unpack.py")]);
    install();
});

afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
}

function putFiles(files: MachineFile[]): void {
    for (const { path, content, mode } of files) {
        put(path, content, parseInt(mode, 8));
    }
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** What user data puts on the machine. */
function install(sha256 = "", masters: { host: string; port: number }[] = []): void {
    const files = loaderFiles({
        masters,
        ...{ name: "canary", region: "eu-central-1", group: "aerial-test-canary", hook: "join" },
        ...{ secrets: "/aerial-test/relay/secrets", report: "/aerial-test/relay/report" },
        ...{ files: filesPath, pieces: pieceCount, sha256, namespace: "aerial-test", readySeconds: 2 },
    });
    putFiles([...files, ...joiningRole().files.filter(({ mode }) => mode === "0755")]);
}

/** Stands in for a program of the machine. */
function program(name: string, script: string): void {
    put(`/usr/local/sbin/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
}

function parameters(values: Record<string, { Value: string; Version?: number }>): void {
    writeFileSync(join(fake, "parameters.json"), JSON.stringify(values));
}

function faults(values: Record<string, [code: string, times: number]>): void {
    writeFileSync(join(fake, "faults.json"), JSON.stringify(values));
}

function run(name: string): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync("/usr/bin/python3", [join(root, "usr/local/sbin", name)], {
        encoding: "utf8",
        env: {
            ...process.env,
            PYTHONPATH: amazon,
            PYTHONDONTWRITEBYTECODE: "1",
            FAKE_AMAZON: fake,
            AERIAL_ROOT: root,
            AERIAL_PATIENCE_SECONDS: "2.5",
            AERIAL_HEARTBEAT_SECONDS: "0.2",
        },
    });
    return { status, output: stdout + stderr };
}

type Call = [service: string, action: string, given: Record<string, unknown>];

function calls(action: string): Record<string, unknown>[] {
    const file = join(fake, "calls.json");
    const all = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Call[]) : [];
    return all.filter(([, name]) => name === action).map(([, , given]) => given);
}

const answer = {
    AutoScalingGroupName: "aerial-test-canary",
    LifecycleHookName: "join",
    InstanceId: "i-0abc123",
};
const continued = [{ ...answer, LifecycleActionResult: "CONTINUE" }];
const abandoned = [{ ...answer, LifecycleActionResult: "ABANDON" }];

describe("aerial-fetch", () => {
    const files = (): MachineFile[] => [
        { path: join(root, "etc/aerial/a"), content: "grüße\n", mode: "0640", owner: "root:root" },
        { path: join(root, "etc/aerial/b/c"), content: "x".repeat(20_000), mode: "0755", owner: "root:root" },
    ];

    function provide(change: (pieces: string[]) => string[] = (pieces) => pieces): void {
        const pack = packFiles(files());
        install(pack.sha256);
        const pieces = change(cutPack(pack, "test"));
        parameters(
            Object.fromEntries(
                pieces.map((Value, index) => [
                    `${filesPath}/${String(index + 1).padStart(2, "0")}`,
                    { Value },
                ]),
            ),
        );
    }

    it("puts the files where they belong, and takes its name from the instance", () => {
        provide();
        expect(run("aerial-fetch")).toEqual({ status: 0, output: "" });
        for (const { path, content } of files()) {
            expect(readFileSync(path, "utf8")).toBe(content);
            // Services look into folders by users of their own.
            expect((statSync(dirname(path)).mode & 0o777).toString(8)).toBe("755");
        }
        // NGINX reads in it what the certificate is, and so what health and metrics say of it.
        expect((statSync(join(root, "var/lib/aerial")).mode & 0o777).toString(8)).toBe("755");
        expect(read("/etc/hostname")).toBe("canary-0abc123\n");
        expect(calls("complete_lifecycle_action")).toEqual([]);
    });

    it("tries again while Amazon does not know its role yet", () => {
        provide();
        faults({ get_parameters: ["AccessDeniedException", 1] });
        expect(run("aerial-fetch").status).toBe(0);
        expect(calls("record_lifecycle_action_heartbeat")).toEqual([answer]);
    });

    it.each<[string, (pieces: string[]) => string[], string]>([
        ["a piece is missing", (pieces) => pieces.slice(0, -1), `are missing: ${filesPath}/16`],
        ["pieces are damaged", (pieces) => [...pieces].reverse(), "damaged"],
    ])("gives up and says why when %s", (_, change, reason) => {
        provide(change);
        expect(run("aerial-fetch").status).toBe(1);
        expect(calls("put_parameter")).toEqual([
            {
                Name: "/aerial-test/relay/report",
                Type: "String",
                Overwrite: true,
                Value: expect.stringContaining(reason) as unknown,
            },
        ]);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("refuses files that are not those it was made with", () => {
        provide();
        install("f".repeat(64));
        expect(run("aerial-fetch").output).toContain("not those of this launch template");
        expect(existsSync(join(root, "etc/aerial/a"))).toBe(false);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("gives up when Amazon never lets it read", () => {
        provide();
        faults({ get_parameters: ["AccessDeniedException", 99] });
        expect(run("aerial-fetch").status).toBe(1);
        expect(calls("put_parameter")[0]?.Value).toMatch(/^\d{4}-.*Z i-0abc123: files: .*AccessDenied/);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });
});

/** What the machine's status says its mounts are fed by. */
function playing(upstream: string): void {
    const mounts = { "/main.mp3": { upstream }, "/main.aac": { upstream } };
    put("/usr/local/lib/aerial/status", `#!/bin/sh\necho '${JSON.stringify({ mounts })}'\n`, 0o755);
}

describe("aerial-join", () => {
    const secret = '{"values": {"relay.link": "hunter2"}, "files": {}}';

    beforeEach(() => {
        parameters({ "/aerial-test/relay/secrets": { Value: secret, Version: 3 } });
        program("aerial-secrets", `cat >"${root}/given"`);
        program("aerial-ready", `echo "$@" >"${root}/waited"`);
        playing("a");
        put("/var/lib/aerial/keep", "");
    });

    it("passes secrets on standard input, waits until it is healthy, then takes listeners", () => {
        expect(run("aerial-join")).toEqual({ status: 0, output: "in service\n" });
        expect(read("/given")).toBe(secret);
        expect(read("/waited")).toBe("--timeout 2\n");
        expect(calls("get_parameter")).toEqual([
            { Name: "/aerial-test/relay/secrets", WithDecryption: true },
        ]);
        expect(calls("complete_lifecycle_action")).toEqual(continued);
        expect(read("/var/lib/aerial/joined")).toBe("3\n");
    });

    it("asks the group for more time while it waits", () => {
        program("aerial-ready", "sleep 0.7");
        expect(run("aerial-join").status).toBe(0);
        expect(calls("record_lifecycle_action_heartbeat").length).toBeGreaterThanOrEqual(2);
    });

    it("reports why its instance is not healthy, without any secret, and gives it up", () => {
        program(
            "aerial-ready",
            "echo many lines; echo 'check: the audio of /main.mp3 stands {{still}}' >&2; exit 1",
        );
        const { status, output } = run("aerial-join");
        expect(status).toBe(1);
        const [report] = calls("put_parameter");
        expect(report).toMatchObject({ Name: "/aerial-test/relay/report", Overwrite: true, Type: "String" });
        expect(report?.Value).toMatch(
            /i-0abc123: many lines\ncheck: the audio of \/main.mp3 stands \{ \{still\}\}$/,
        );
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
        expect(output + JSON.stringify(calls("put_parameter"))).not.toContain("hunter2");
        expect(existsSync(join(root, "var/lib/aerial/joined"))).toBe(false);
    });

    it("gives the instance up if a Master answers but its audio is not heard", async () => {
        playing("standby");
        const master = createServer().listen(0, "127.0.0.1");
        await once(master, "listening");
        const { port } = master.address() as AddressInfo;
        install("", [{ host: "127.0.0.1", port }]);
        expect(run("aerial-join").status).toBe(1);
        master.close();
        expect(calls("put_parameter")[0]?.Value).toContain(
            "the Masters answer, and this machine does not play them: /main.aac, /main.mp3",
        );
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("plays standby audio if no Master answers", () => {
        playing("standby");
        install("", [{ host: "127.0.0.1", port: 1 }]);
        expect(run("aerial-join")).toEqual({
            status: 0,
            output: "no Master answers; this instance plays standby audio\nin service\n",
        });
        expect(calls("complete_lifecycle_action")).toEqual(continued);
    });

    it("cuts a long report to its end, so that the parameter can hold it", () => {
        program("aerial-ready", "seq 1 3000 | tr '\\n' ' '; echo; echo the cause; exit 1");
        run("aerial-join");
        const text = String(calls("put_parameter")[0]?.Value);
        expect(Buffer.byteLength(text)).toBeLessThan(4096);
        expect(text.endsWith("the cause")).toBe(true);
    });

    it("gives the instance up if its secrets cannot be used", () => {
        program(
            "aerial-secrets",
            "cat >/dev/null; echo 'aerial-secrets: @{file.ca.pem} was not delivered' >&2; exit 1",
        );
        expect(run("aerial-join").status).toBe(1);
        expect(calls("put_parameter")[0]?.Value).toContain("@{file.ca.pem} was not delivered");
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("gives the instance up even if it cannot write the report", () => {
        program("aerial-ready", "exit 1");
        faults({ put_parameter: ["AccessDeniedException", 99] });
        expect(run("aerial-join").status).toBe(1);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("succeeds if the group no longer waits for the instance", () => {
        faults({ complete_lifecycle_action: ["ValidationError", 1] });
        expect(run("aerial-join")).toEqual({
            status: 0,
            output: "well; the group did not wait for this machine\n",
        });
    });
});

describe("aerial-secrets-sync", () => {
    beforeEach(() => {
        program("aerial-secrets", `cat >"${root}/given"`);
        put("/var/lib/aerial/joined", "3\n");
    });

    it("leaves alone what has not changed", () => {
        parameters({ "/aerial-test/relay/secrets": { Value: "{}", Version: 3 } });
        expect(run("aerial-secrets-sync").status).toBe(0);
        expect(existsSync(join(root, "given"))).toBe(false);
    });

    it("applies a new version once", () => {
        parameters({ "/aerial-test/relay/secrets": { Value: '{"new": 1}', Version: 4 } });
        expect(run("aerial-secrets-sync").status).toBe(0);
        expect(read("/given")).toBe('{"new": 1}');
        rmSync(join(root, "given"));
        run("aerial-secrets-sync");
        expect(existsSync(join(root, "given"))).toBe(false);
    });

    it("tries again after a refusal, and prints no secret", () => {
        parameters({ "/aerial-test/relay/secrets": { Value: '{"x": "hunter2"}', Version: 4 } });
        program("aerial-secrets", "cat >/dev/null; exit 1");
        const { status, output } = run("aerial-secrets-sync");
        expect(status).toBe(1);
        expect(output).not.toContain("hunter2");
        expect(read("/var/lib/aerial/joined")).toBe("3\n");
    });
});
