import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { canaryDelivery, joiningRole, loaderFiles, sha256 } from "../../components/canary/render";
import type { MachineFile, MachineRole } from "../../components/machine/role";
import { readDelivery } from "../support/readDelivery";

const amazon = join(__dirname, "..", "support", "amazon");

const role: MachineRole = {
    ...{ packages: ["nginx"], units: [], services: [], maskedUnits: [] },
    files: [{ path: "/etc/aerial/a", content: "grüße @{relay.link}\n", mode: "0640", secretFormat: "raw" }],
};
const delivery = canaryDelivery(role, 2);
const artefact = { bucket: "radio-test-artefacts", key: `relay/0123456789ab/${sha256(delivery)}` };
const secret = { values: { "relay.link": "hunter2" }, files: {} };

let root: string;
let fake: string;

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aerial-group-"));
    fake = join(root, "amazon");
    mkdirSync(fake);
    put("/var/lib/cloud/data/instance-id", "i-0abc123\n");
    put("/etc/hostname", "ip-10-78-0-9\n");
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
function install(change: { sha256?: string; masters?: { host: string; port: number }[] } = {}): void {
    const files = loaderFiles({
        ...{ name: "canary", region: "eu-central-1", group: "aerial-test-canary", hook: "join" },
        ...{ secrets: "/aerial-test/relay/secrets", report: "/aerial-test/relay/report" },
        ...{ ...artefact, namespace: "aerial-test", readySeconds: 2 },
        ...{ masters: [], sha256: sha256(delivery), ...change },
    });
    putFiles([
        ...files,
        ...joiningRole({ drainLimitSeconds: 60, closePerSecond: 5 }).files.filter(
            ({ mode }) => mode === "0755",
        ),
    ]);
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

/** What the machine's status says its mounts are fed by. */
function playing(upstream: string): void {
    const mounts = { "/main.mp3": { upstream }, "/main.aac": { upstream } };
    put("/usr/local/lib/aerial/status", `#!/bin/sh\necho '${JSON.stringify({ mounts })}'\n`, 0o755);
}

/** Provides the delivery, and the secrets. */
function provide(text = delivery): void {
    const { bucket, key } = artefact;
    writeFileSync(join(fake, "objects.json"), JSON.stringify({ [`${bucket}/${key}`]: text }));
    parameters({ "/aerial-test/relay/secrets": { Value: JSON.stringify(secret), Version: 3 } });
}

/** Stands in for what applies a delivery: keeps what it is given. */
const keeper = () => `cat >"${root}/given"`;

describe("aerial-join", () => {
    beforeEach(() => {
        provide();
        program("aerial-receive", keeper());
        playing("a");
        put("/var/lib/aerial/keep", "");
    });

    it("has its delivery applied with its secrets, by standard input, then takes listeners", () => {
        expect(run("aerial-join")).toEqual({ status: 0, output: "in service\n" });
        expect(readDelivery(read("/given"))).toEqual({ ...readDelivery(delivery), secrets: secret });
        expect(calls("get_object")).toEqual([{ Bucket: artefact.bucket, Key: artefact.key }]);
        expect(calls("get_parameter")).toEqual([
            { Name: "/aerial-test/relay/secrets", WithDecryption: true },
        ]);
        expect(calls("complete_lifecycle_action")).toEqual(continued);
        expect(read("/var/lib/aerial/joined")).toBe("3\n");
    });

    it("takes its name from the instance, before the delivery's programs use it", () => {
        program("aerial-receive", `cp "${root}/etc/hostname" "${root}/name"`);
        expect(run("aerial-join").status).toBe(0);
        expect(read("/name")).toBe("canary-0abc123\n");
    });

    it("tries again while Amazon does not know its role yet", () => {
        faults({ get_object: ["AccessDenied", 1] });
        expect(run("aerial-join").status).toBe(0);
        expect(calls("record_lifecycle_action_heartbeat")).toEqual([answer]);
    });

    it.each<[string, () => void, string]>([
        ["is gone", () => writeFileSync(join(fake, "objects.json"), "{}"), "delivery: .*NoSuchKey"],
        ["is cut off", () => provide(delivery.slice(0, -1)), "is not that of this launch template"],
        ["is another one", () => provide(canaryDelivery(role, 3)), `not ${sha256(delivery)}`],
    ])("gives up and says why when its delivery %s", (_, change, reason) => {
        change();
        expect(run("aerial-join").status).toBe(1);
        expect(calls("put_parameter")).toEqual([
            {
                Name: "/aerial-test/relay/report",
                Type: "String",
                Overwrite: true,
                Value: expect.stringMatching(reason) as unknown,
            },
        ]);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
        expect(existsSync(join(root, "given"))).toBe(false);
    });

    it("refuses a delivery that is not the one that it was made with", () => {
        install({ sha256: "f".repeat(64) });
        expect(run("aerial-join").output).toContain("not that of this launch template");
        expect(existsSync(join(root, "given"))).toBe(false);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("gives up when Amazon never lets it read", () => {
        faults({ get_object: ["AccessDenied", 99] });
        expect(run("aerial-join").status).toBe(1);
        expect(calls("put_parameter")[0]?.Value).toMatch(/^\d{4}-.*Z i-0abc123: delivery: .*AccessDenied/);
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("asks the group for more time while it waits", () => {
        program("aerial-receive", "sleep 0.7");
        expect(run("aerial-join").status).toBe(0);
        expect(calls("record_lifecycle_action_heartbeat").length).toBeGreaterThanOrEqual(2);
    });

    it("reports why its instance is not healthy, without any secret, and gives it up", () => {
        program(
            "aerial-receive",
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
        install({ masters: [{ host: "127.0.0.1", port }] });
        expect(run("aerial-join").status).toBe(1);
        master.close();
        expect(calls("put_parameter")[0]?.Value).toContain(
            "the Masters answer, and this machine does not play them: /main.aac, /main.mp3",
        );
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("plays standby audio if no Master answers", () => {
        playing("standby");
        install({ masters: [{ host: "127.0.0.1", port: 1 }] });
        expect(run("aerial-join")).toEqual({
            status: 0,
            output: "no Master answers; this instance plays standby audio\nin service\n",
        });
        expect(calls("complete_lifecycle_action")).toEqual(continued);
    });

    it("cuts a long report to its end, so that the parameter can hold it", () => {
        program("aerial-receive", "seq 1 3000 | tr '\\n' ' '; echo; echo the cause; exit 1");
        run("aerial-join");
        const text = String(calls("put_parameter")[0]?.Value);
        expect(Buffer.byteLength(text)).toBeLessThan(4096);
        expect(text.endsWith("the cause")).toBe(true);
    });

    it("gives the instance up if its secrets cannot be used", () => {
        program("aerial-receive", "echo 'delivery: @{file.ca.pem} was not delivered' >&2; exit 1");
        expect(run("aerial-join").status).toBe(1);
        expect(calls("put_parameter")[0]?.Value).toContain("@{file.ca.pem} was not delivered");
        expect(calls("complete_lifecycle_action")).toEqual(abandoned);
    });

    it("gives the instance up even if it cannot write the report", () => {
        program("aerial-receive", "exit 1");
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
    const current = "/var/lib/aerial/delivery/current/delivery.json";
    const changed = { values: { "relay.link": "changed" }, files: { "ca.pem": "CA" } };

    /** Provides secrets of a version. */
    function provideSecrets(secrets: object, Version: number): void {
        parameters({ "/aerial-test/relay/secrets": { Value: JSON.stringify(secrets), Version } });
    }

    beforeEach(() => {
        program("aerial-receive", keeper());
        put("/var/lib/aerial/joined", "3\n");
        put(current, JSON.stringify({ ...readDelivery(delivery), secrets: secret }));
    });

    it("leaves alone what has not changed", () => {
        provideSecrets(secret, 3);
        expect(run("aerial-secrets-sync").status).toBe(0);
        expect(existsSync(join(root, "given"))).toBe(false);
    });

    it("has the present delivery applied once with secrets of a new version", () => {
        provideSecrets(changed, 4);
        expect(run("aerial-secrets-sync").status).toBe(0);
        expect(readDelivery(read("/given"))).toEqual({ ...readDelivery(delivery), secrets: changed });
        rmSync(join(root, "given"));
        run("aerial-secrets-sync");
        expect(existsSync(join(root, "given"))).toBe(false);
    });

    it("tries again after a refusal, and prints no secret", () => {
        provideSecrets({ ...changed, values: { "relay.link": "hunter3" } }, 4);
        program("aerial-receive", "cat >/dev/null; exit 1");
        const { status, output } = run("aerial-secrets-sync");
        expect(status).toBe(1);
        expect(output).toContain("the new secrets are refused; the old ones stay");
        expect(output).not.toMatch(/hunter/);
        expect(read("/var/lib/aerial/joined")).toBe("3\n");
    });
});
