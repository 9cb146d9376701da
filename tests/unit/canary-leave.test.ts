import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { joiningRole } from "../../components/canary/render";
import { run, type RunResult } from "../../lab/workstation/run";

/* How an instance learns that the group ends it, and what it does then. */

const script = join(__dirname, "../../config-templates/canary/leave/aerial-leave.sh");
let root: string;
let server: Server;
let state: string | undefined;

beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "aerial-leave-"));
    mkdirSync(join(root, "etc/aerial"), { recursive: true });
    mkdirSync(join(root, "usr/local/sbin"), { recursive: true });
    const plan = joiningRole({ drainLimitSeconds: 3600, closePerSecond: 7 });
    const leave = plan.files.find(({ path }) => path === "/etc/aerial/leave");
    writeFileSync(join(root, "etc/aerial/leave"), leave?.content ?? "");
    const drain = join(root, "usr/local/sbin/aerial-drain");
    writeFileSync(drain, `#!/bin/sh\necho "$*" >${root}/drained\n`);
    chmodSync(drain, 0o755);
    // The service asks for a token first, and gives nothing without.
    server = createServer((request, response) => {
        if (request.method === "PUT" && request.url === "/latest/api/token") {
            response.end("a-token");
            return;
        }
        const known =
            request.headers["x-aws-ec2-metadata-token"] === "a-token" &&
            request.url === "/latest/meta-data/autoscaling/target-lifecycle-state";
        response.writeHead(known && state !== undefined ? 200 : 404);
        response.end(known ? state : "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
    rmSync(root, { recursive: true });
    await new Promise((resolve) => server.close(resolve));
});

async function leave(): Promise<RunResult & { drained: string | undefined }> {
    const { port } = server.address() as AddressInfo;
    const env = { PATH: process.env.PATH, AERIAL_ROOT: root, AERIAL_METADATA: `http://127.0.0.1:${port}` };
    const result = await run(["sh", script], { env, allow: "any" });
    const file = join(root, "drained");
    return { ...result, drained: existsSync(file) ? readFileSync(file, "utf8") : undefined };
}

describe("an instance", () => {
    it("ends as a droplet does when the group ends it, in time to close who is left", async () => {
        state = "Terminated";
        // Of an hour, 54 minutes; the balancer sends nobody new.
        expect(await leave()).toMatchObject({ code: 0, drained: "end 3240 0 7\n" });
    });

    it.each(["InService", undefined])("stays as it is while it is to be %s", async (wanted) => {
        state = wanted;
        expect(await leave()).toMatchObject({ code: 0, drained: undefined });
    });

    it("looks for it all the time", () => {
        const { units, files } = joiningRole({ drainLimitSeconds: 60, closePerSecond: 5 });
        expect(units).toContain("aerial-leave.timer");
        const timer = files.find(({ path }) => path.endsWith("/aerial-leave.timer"));
        expect(timer?.content).toContain("OnCalendar=*:*:0/15");
    });

    it("shellcheck finds nothing", async () => {
        expect((await run(["shellcheck", script], { allow: "any" })).stdout).toBe("");
    });
});
