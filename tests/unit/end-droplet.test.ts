import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { FakeDigitalOcean } from "../support/fakeDigitalOcean";
import { FakeMachine, sshKey, type Reply } from "../support/fakeMachine";

/* How a droplet with listeners is ended: the real programs, against an API and an SSH server on the loopback. */

const checkout = join(__dirname, "..", "..");
const deployKey = sshKey();

interface Ended {
    code: number | null;
    out: string;
    err: string;
    seconds: number;
}

let api: FakeDigitalOcean;
let endpoint: string;

beforeEach(async () => {
    api = new FakeDigitalOcean();
    endpoint = await api.start();
    api.droplets.set("401", {
        name: "relay-ams3-1",
        status: "active",
        tags: ["relay"],
        vpc_uuid: "vpc-ams3",
    });
});

afterEach(() => api.stop());

function run(argv: string[], environment: Record<string, string>, input = ""): Promise<Ended> {
    const began = Date.now();
    const child = spawn(process.execPath, argv, {
        cwd: checkout,
        env: {
            PATH: process.env.PATH,
            DIGITALOCEAN_TOKEN: "secret-token",
            DIGITALOCEAN_API_URL: endpoint,
            AERIAL_POLL_SECONDS: "0.05",
            ...environment,
        },
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    return new Promise((resolve) =>
        child.on("close", (code) => resolve({ code, out, err, seconds: (Date.now() - began) / 1000 })),
    );
}

const program = "components/dropletMachine/end-droplet.mjs";

function settings(hostKey: string, port: number): Record<string, string> {
    return {
        AERIAL_MACHINE: "relay-ams3-1",
        AERIAL_DROPLET: "401",
        AERIAL_ADDRESS: "127.0.0.1",
        AERIAL_PORT: String(port),
        // Nobody answers there.
        AERIAL_HTTP_PORT: "1",
        AERIAL_HOST_KEY: hostKey,
        AERIAL_USER: "aerial",
        AERIAL_DRAINING_TAG: "aerial-test-draining",
        AERIAL_DRAIN_LIMIT_SECONDS: "7200",
        AERIAL_WAIT_LIMIT_SECONDS: "20",
        AERIAL_ANSWER_SECONDS: "1",
        AERIAL_CLOSE_PER_SECOND: "5",
    };
}

async function end(
    reply: Reply,
    change: Record<string, string> = {},
    key = deployKey.privateKey,
): Promise<Ended & { commands: string[] }> {
    const machine = new FakeMachine(deployKey, reply);
    const port = await machine.start();
    const ended = await run([program], { ...settings(machine.hostKey.publicKey, port), ...change }, key);
    await machine.stop();
    return { ...ended, commands: machine.commands };
}

/**
 * Runs a test beside an HTTP server that answers every request with this text, as a machine's port 80 does; undefined for no
 * answer.
 */
async function besideStatus(
    text: () => string | undefined,
    test: (port: string) => Promise<void>,
): Promise<void> {
    const server = createServer((request, response) => {
        const answer = text();
        if (answer === undefined) {
            request.socket.destroy();
            return;
        }
        response.writeHead(request.url === "/status.json" ? 200 : 404, { Connection: "close" });
        response.end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
        await test(String((server.address() as AddressInfo).port));
    } finally {
        await new Promise((resolve) => server.close(resolve));
    }
}

/** A machine whose listeners become fewer with each look; the last number stays. */
function listeners(...counts: (number | null)[]): Reply {
    return () => {
        const listeners = counts.length > 1 ? counts.shift() : counts[0];
        return { out: `${JSON.stringify({ draining: true, listeners })}\n`, code: 0 };
    };
}

jest.setTimeout(60_000);

describe("the end of a droplet with listeners", () => {
    it("has the machine drain with its limits, waits until nobody is left, then deletes it", async () => {
        const { code, out, err, commands } = await end(listeners(213, 40, 0));
        expect({ code, err }).toEqual({ code: 0, err: "" });
        expect(commands[0]).toBe("sudo /usr/local/sbin/aerial-drain end 7200 1 5");
        expect(new Set(commands.slice(1))).toEqual(new Set(["sudo /usr/local/sbin/aerial-drain status"]));
        expect(out).toContain("relay-ams3-1 drains: 213 listeners, for 120 minutes at most");
        expect(out).toContain("relay-ams3-1 (droplet 401) is deleted");
        expect(api.asked).toEqual(["DELETE /v2/droplets/401"]);
        expect(api.droplets.size).toBe(0);
    });

    it("waits for old answers of DNS, though nobody is on", async () => {
        const { seconds } = await end(listeners(0), { AERIAL_ANSWER_SECONDS: "2" });
        expect(seconds).toBeGreaterThan(2);
        expect(api.droplets.size).toBe(0);
    });

    it("takes an unknown number of listeners for somebody", async () => {
        await end(listeners(3, null), { AERIAL_WAIT_LIMIT_SECONDS: "2" });
        expect(api.droplets.get("401")?.tags).toContain("aerial-test-draining");
    });

    it("leaves it behind with a tag when its listeners stay longer than `up` waits", async () => {
        const { code, out } = await end(listeners(7), { AERIAL_WAIT_LIMIT_SECONDS: "1" });
        expect(code).toBe(0);
        expect(out).toContain("relay-ams3-1 (droplet 401, 127.0.0.1) is left behind with 7 listeners");
        expect(api.asked).toEqual(["POST /v2/tags/aerial-test-draining/resources"]);
        expect(api.droplets.get("401")).toMatchObject({ status: "active" });
    });

    it("waits not at all if it is to wait 0 s, but has the machine drain", async () => {
        const { code, commands } = await end(listeners(0), { AERIAL_WAIT_LIMIT_SECONDS: "0" });
        expect(code).toBe(0);
        expect(commands[0]).toContain("aerial-drain end");
        expect(api.droplets.get("401")?.tags).toContain("aerial-test-draining");
    });

    it("deletes one that has switched itself off meanwhile", async () => {
        const reply: Reply = (command) => {
            if (command.endsWith("status")) {
                const droplet = api.droplets.get("401");
                if (droplet) {
                    droplet.status = "off";
                }
            }
            return { out: '{"draining":true,"listeners":1}', code: 0 };
        };
        expect(await end(reply)).toMatchObject({ code: 0 });
        expect(api.asked).toEqual(["DELETE /v2/droplets/401"]);
    });

    it("deletes one at once that is off already", async () => {
        api.droplets.set("401", { name: "relay-ams3-1", status: "off", tags: [], vpc_uuid: "vpc-ams3" });
        expect(await end(listeners(1))).toMatchObject({ code: 0, commands: [] });
        expect(api.asked).toEqual(["DELETE /v2/droplets/401"]);
    });

    it("has nothing to do where the droplet is gone", async () => {
        api.droplets.clear();
        const { code, out, commands } = await end(listeners(0));
        expect({ code, commands }).toEqual({ code: 0, commands: [] });
        expect(out).toContain("is gone already");
    });

    it("fails with the token of another account, to which every droplet is gone", async () => {
        api.droplets.clear();
        api.tags.clear();
        const { code, out, err } = await end(listeners(0));
        expect({ code, out }).toEqual({ code: 1, out: "" });
        expect(err).toContain("this token sees another account: there is no tag aerial-test-draining");
    });

    it("shuts a machine down that cannot drain, and tells its words", async () => {
        const reply: Reply = () => ({ out: "aerial-drain: command not found\n", code: 127 });
        const { code, out } = await end(reply);
        expect(code).toBe(0);
        expect(out).toMatch(
            /shut down without a drain: aerial-drain ended with 127: sudo: .*\naerial-drain: command not found/,
        );
        expect(api.asked).toEqual(["POST /v2/droplets/401/actions", "DELETE /v2/droplets/401"]);
    });

    it("does not wait long for a machine that nobody reaches", async () => {
        const ended = await run(
            [program],
            { ...settings(sshKey().publicKey, 1), AERIAL_WAIT_LIMIT_SECONDS: "600" },
            deployKey.privateKey,
        );
        expect(ended).toMatchObject({ code: 0, err: "" });
        expect(ended.seconds).toBeLessThan(20);
        expect(ended.out).toContain("ECONNREFUSED");
        expect(api.asked).toEqual(["POST /v2/droplets/401/actions", "DELETE /v2/droplets/401"]);
    });

    describe("that SSH does not reach from here", () => {
        const unreachable = { AERIAL_PORT: "1" };

        it.each([
            ["213 listeners", '{"listeners":213}'],
            ["1 listener", '{"listeners":1}'],
            ["an unknown number of listeners", '{"listeners":null}'],
            ["an unknown number of listeners", "<html>502 Bad Gateway</html>"],
            ["an unknown number of listeners", "null"],
        ])("fails, and touches nothing, while it serves %s: %s", (words, text) =>
            besideStatus(
                () => text,
                async (port) => {
                    const { code, err } = await end(listeners(0), { ...unreachable, AERIAL_HTTP_PORT: port });
                    expect(code).toBe(1);
                    expect(err).toContain(`it serves ${words}, and does not drain: `);
                    expect(err).toContain("ECONNREFUSED");
                    expect(err).toMatch(/add this address to ssh\.allowedFrom.*AERIAL_DRAIN=no/);
                    expect(api.asked).toEqual([]);
                },
            ),
        );

        it("fails as well if port 80 is silent for a moment", () => {
            let answers = 0;
            return besideStatus(
                () => (answers++ === 0 ? undefined : '{"listeners":213}'),
                async (port) => {
                    const { code, err } = await end(listeners(0), { ...unreachable, AERIAL_HTTP_PORT: port });
                    expect(code).toBe(1);
                    expect(err).toContain("it serves 213 listeners");
                    expect(api.asked).toEqual([]);
                },
            );
        });

        it("is shut down if nobody listens", () =>
            besideStatus(
                () => '{"listeners":0}',
                async (port) => {
                    const ended = await end(listeners(0), { ...unreachable, AERIAL_HTTP_PORT: port });
                    expect(ended).toMatchObject({ code: 0, err: "" });
                    expect(api.asked).toEqual(["POST /v2/droplets/401/actions", "DELETE /v2/droplets/401"]);
                },
            ));

        it("is cut off, with its listeners, for somebody in haste", () =>
            besideStatus(
                () => '{"listeners":213}',
                async (port) => {
                    const haste = { AERIAL_DRAIN: "no", AERIAL_HTTP_PORT: port };
                    expect(await end(listeners(0), { ...unreachable, ...haste })).toMatchObject({ code: 0 });
                    expect(api.droplets.size).toBe(0);
                },
            ));
    });

    describe("that SSH reaches no more once it drains", () => {
        /** The first command is answered, and no other one. */
        const onlyOnce = (): Reply => {
            let calls = 0;
            return () =>
                calls++ === 0
                    ? { out: '{"draining":true,"listeners":213}', code: 0 }
                    : { out: "closed", code: 1 };
        };

        it("is left behind with those who stay", () =>
            besideStatus(
                () => '{"listeners":200}',
                async (port) => {
                    const { code, out } = await end(onlyOnce(), {
                        AERIAL_HTTP_PORT: port,
                        AERIAL_WAIT_LIMIT_SECONDS: "2",
                    });
                    expect(code).toBe(0);
                    expect(out).toContain("is left behind with 200 listeners");
                    expect(api.asked).toEqual(["POST /v2/tags/aerial-test-draining/resources"]);
                },
            ));

        it("is deleted when it tells everybody that nobody is left", () => {
            let looks = 0;
            return besideStatus(
                () => `{"listeners":${looks++ < 5 ? 3 : 0}}`,
                async (port) => {
                    expect(await end(onlyOnce(), { AERIAL_HTTP_PORT: port })).toMatchObject({ code: 0 });
                    expect(looks).toBeGreaterThan(5);
                    expect(api.asked).toEqual(["DELETE /v2/droplets/401"]);
                },
            );
        });

        it("is dead, and shut down, if it is silent for everybody", async () => {
            const { code, out } = await end(onlyOnce());
            expect(code).toBe(0);
            expect(out).toContain("answers no more and is shut down");
            expect(api.asked).toEqual(["POST /v2/droplets/401/actions", "DELETE /v2/droplets/401"]);
        });
    });

    it("tells a machine nothing that shows another host key", async () => {
        const { commands, out } = await end(listeners(0), { AERIAL_HOST_KEY: sshKey().publicKey });
        expect(commands).toEqual([]);
        expect(out).toContain("verification failed");
    });

    it("drains nothing when somebody is in haste", async () => {
        const { commands } = await end(listeners(213), { AERIAL_DRAIN: "no" });
        expect(commands).toEqual([]);
        expect(api.asked).toEqual(["POST /v2/droplets/401/actions", "DELETE /v2/droplets/401"]);
    });

    it("tries again what DigitalOcean refuses for a moment", async () => {
        api.refusals.push({ request: "DELETE", status: 422, words: "Droplet already has a pending event." });
        api.refusals.push({ request: "DELETE", status: 503, words: "Server Error" });
        expect(await end(listeners(0))).toMatchObject({ code: 0 });
        expect(api.droplets.size).toBe(0);
    });

    it("waits for a droplet that is still busy with its shutdown, however often it has to ask", async () => {
        const words = "Droplet already has a pending event.";
        api.refusals.push(...Array.from({ length: 9 }, () => ({ request: "DELETE", status: 422, words })));
        expect(await end(listeners(0), { AERIAL_DRAIN: "no" })).toMatchObject({ code: 0, err: "" });
        expect(api.droplets.size).toBe(0);
    });

    it("does not wait so long for an API that is broken", async () => {
        api.refusals.push(
            ...Array.from({ length: 9 }, () => ({ request: "DELETE", status: 503, words: "Server Error" })),
        );
        expect(await end(listeners(0))).toMatchObject({ code: 1 });
        expect(api.refusals).toHaveLength(5);
    });

    it("fails where DigitalOcean refuses for good, so that the state keeps it", async () => {
        const { code, err } = await end(listeners(0), { DIGITALOCEAN_TOKEN: "expired" });
        expect(code).toBe(1);
        expect(err).toMatch(
            /relay-ams3-1 \(droplet 401\) is not ended: GET .*: 401 .*Unable to authenticate/,
        );
        expect(err).toContain("the next pulumi up goes on with it");
        expect(await end(listeners(0), { DIGITALOCEAN_TOKEN: "" })).toMatchObject({ code: 1 });
    });

    it("shows neither the token nor the key", async () => {
        const refused = await end(listeners(0), { DIGITALOCEAN_TOKEN: "expired" });
        const unreadable = await end(listeners(0), {}, "no key at all");
        expect(refused.out + refused.err).not.toMatch(/expired|PRIVATE KEY/);
        expect(unreadable.out).toContain("Cannot parse privateKey");
        expect(unreadable.out + unreadable.err).not.toMatch(/secret-token|no key at all/);
    });
});

describe("the end of what was left behind", () => {
    const left = "components/dropletMachine/end-left-behind.mjs";
    const place = { AERIAL_DRAINING_TAG: "aerial-test-draining", AERIAL_VPC: "vpc-ams3" };

    beforeEach(() => {
        const draining = { tags: ["relay", "aerial-test-draining"], vpc_uuid: "vpc-ams3" };
        api.droplets.set("301", { name: "relay-ams3-1", status: "off", ...draining });
        api.droplets.set("302", { name: "relay-ams3-2", status: "active", ...draining });
        api.droplets.set("303", { name: "relay-nyc3-1", status: "off", ...draining, vpc_uuid: "vpc-nyc3" });
    });

    it("deletes those that are off, and looks again whether they are", async () => {
        const ended = await run([left, "off"], { ...place, AERIAL_OFF: "[300,301,302,303,401]" });
        expect(ended).toMatchObject({ code: 0, err: "" });
        expect(api.asked).toEqual(["DELETE /v2/droplets/301"]);
        expect(ended.out).toBe("relay-ams3-1 (droplet 301), left behind before, is deleted\n");
    });

    it("ends all of them in an orderly way when their region goes, and no other droplet", async () => {
        expect(await run([left, "all"], { ...place, AERIAL_OFF: "[]" })).toMatchObject({ code: 0, err: "" });
        expect(api.asked[0]).toBe("POST /v2/droplets/302/actions");
        expect(api.asked.slice(1).sort()).toEqual(["DELETE /v2/droplets/301", "DELETE /v2/droplets/302"]);
        expect([...api.droplets.keys()]).toEqual(["401", "303"]);
    });

    it("fails with the token of another account, to which there is nothing to end", async () => {
        api.tags.clear();
        const ended = await run([left, "all"], { ...place, AERIAL_OFF: "[]" });
        expect(ended.code).toBe(1);
        expect(ended.err).toContain("this token sees another account");
        expect(api.asked).toEqual([]);
    });

    it("fails with the reason where it is told too little", async () => {
        expect(await run([left, "all"], {})).toMatchObject({ code: 2 });
    });
});
