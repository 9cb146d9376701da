import "./ownLab";

import { setTimeout as sleep } from "node:timers/promises";

import { dnsStatus } from "../../lab/cloudflare/dns/status";
import { applyDns } from "../../lab/cloudflare/dns/server";
import { removeLab } from "../../lab/machines/removeLab";
import { run } from "../../lab/workstation/run";
import { startService, stopService } from "../../lab/workstation/services";
import { imageCommand } from "../../lab/machines/image";
import { attachMachine, ensureClient, inNamespace, setCut } from "../../lab/network/network";
import { machineNamespace } from "../../lab/paths";
import { balancers, monitors, names, pools } from "../../lab/cloudflare/records";

const domain = "radio.test";
const stream = `stream.${domain}`;
const interval = 2;
const downAfter = 2;
/** Until a dead member must be out of all answers, and a second that a busy machine may add. */
const outWithinMs = (interval * downAfter + 2) * 1000 + 1000;

const ams = ["198.18.0.10", "198.18.0.11"];
const nyc = ["198.18.112.10", "198.18.112.11"];
const machines = new Map([...ams, ...nyc].map((address, index) => [address, String(2001 + index)]));

/** A machine that says it is healthy, to those who ask by the right name. */
const health = `
    require("node:http").createServer((request, response) => {
        const right = request.url === "/healthz" && request.headers.host === "${stream}";
        response.writeHead(right ? 200 : 404).end();
    }).listen(80);
`;

function id(digit: string): string {
    return digit.repeat(32);
}

function serverOf(address: string): string {
    return `health-${address}`;
}

async function startServer(address: string): Promise<void> {
    const place = machineNamespace(machines.get(address) ?? "");
    await startService(serverOf(address), inNamespace(place, [process.execPath, "-e", health]));
}

async function stopServer(address: string): Promise<void> {
    await stopService(serverOf(address));
}

/** What a place is answered, in the order in which it came. */
async function ask(place: string, name: string): Promise<string[]> {
    const { stdout } = await run(inNamespace(place, ["getent", "ahostsv4", name]), { allow: "any" });
    const lines = stdout.split("\n").filter((line) => line.includes("STREAM"));
    return lines.map((line) => line.split(" ")[0] ?? "");
}

async function untilAnswered(place: string, expected: string[], withinMs: number): Promise<number> {
    const started = Date.now();
    let heard: string[] = [];
    while (Date.now() - started < withinMs) {
        heard = (await ask(place, stream)).sort();
        if (JSON.stringify(heard) === JSON.stringify([...expected].sort())) {
            return Date.now() - started;
        }
        await sleep(50);
    }
    throw new Error(
        `${place} is answered ${heard.join(", ")} after ${withinMs} ms, not ${expected.join(", ")}`,
    );
}

/** Until health checks have found every member dead. */
async function untilAllDown(): Promise<void> {
    const deadline = Date.now() + outWithinMs;
    const isDown = ({ health }: { health: string }) => health === "down" || health === "unchecked";
    while (!(await dnsStatus()).every(({ members }) => members.every(isDown))) {
        if (Date.now() > deadline) {
            throw new Error(`not all are down after ${outWithinMs} ms: ${JSON.stringify(await dnsStatus())}`);
        }
        await sleep(50);
    }
}

/** Until so many answers in a row hold nothing but these addresses: one answer by weight proves little. */
async function untilOnly(place: string, expected: string[], inARow: number): Promise<void> {
    const deadline = Date.now() + outWithinMs;
    for (let row = 0; row < inARow;) {
        const heard = await ask(place, stream);
        row = heard.every((address) => expected.includes(address)) ? row + 1 : 0;
        // A row that has begun in time may end later: on a busy machine each question takes its time.
        if (row === 0 && Date.now() > deadline) {
            throw new Error(`${place} is still answered ${heard.join(", ")} after ${outWithinMs} ms`);
        }
    }
}

const common = { urn: "test", createdOn: "2026-01-01T00:00:00Z" };

function pool(digit: string, name: string, addresses: string[], lastWeight = 1) {
    const origins = addresses.map((address, index) => ({
        ...{ name: `m-${address}`, address, enabled: true },
        weight: index === addresses.length - 1 ? lastWeight : 1,
    }));
    const rest = { accountId: id("0"), enabled: true, monitor: id("a"), minimumOrigins: 1 };
    pools.put(id(digit), { ...common, id: id(digit), name, origins, ...rest });
}

function balancer(digit: string, name: string, byRegion: Record<string, string[]>): void {
    balancers.put(id(digit), {
        ...{ ...common, id: id(digit), zoneId: id("1"), name, enabled: true, proxied: false, ttlSeconds: 30 },
        steeringPolicy: Object.keys(byRegion).length > 0 ? "geo" : "off",
        defaultPools: [id("b"), id("c")],
        fallbackPool: id("c"),
        regionPools: byRegion,
    });
}

beforeAll(async () => {
    await removeLab();
    for (const [address, machine] of machines) {
        await attachMachine({ id: machine, publicAddress: address });
        await startServer(address);
    }
    await ensureClient("sgp1");
    monitors.put(id("a"), {
        ...{
            ...common,
            id: id("a"),
            accountId: id("0"),
            type: "http",
            method: "GET",
            path: "/healthz",
            port: 0,
        },
        ...{ header: { Host: [stream] }, expectedCodes: "200", intervalSeconds: interval, timeoutSeconds: 1 },
        ...{ retries: 0, consecutiveUp: 2, consecutiveDown: downAfter },
    });
    pool("b", "pool-ams3", ams);
    pool("c", "pool-nyc3", nyc);
    balancer("d", stream, { WEU: [id("b"), id("c")], ENAM: [id("c"), id("b")] });
    balancer("e", `ingest.${domain}`, {});
    for (const [index, content] of ams.entries()) {
        const key = id(String(index));
        names.put(key, {
            ...{ ...common, id: key, zoneId: id("1"), name: `ams3.${stream}`, type: "A", content },
            ...{ ttlSeconds: 60, proxied: false },
        });
    }
    await applyDns();
});

// Every test begins with all members well, whatever the one before has left.
beforeEach(async () => {
    await setCut(machineNamespace("2001"), undefined);
    await Promise.all([...machines.keys()].map(startServer));
    await untilAnswered("client-ams3", ams, outWithinMs + 1000);
    await untilAnswered("client-nyc3", nyc, outWithinMs + 1000);
}, 60_000);

afterAll(removeLab);

describe("the lab's names", () => {
    test("are answered by the asker's region at once, all healthy members in varying order", async () => {
        expect((await ask("client-ams3", stream)).sort()).toEqual(ams);
        expect((await ask("client-nyc3", stream)).sort()).toEqual(nyc);
        const orders = new Set<string>();
        for (let attempt = 0; attempt < 30 && orders.size < 2; attempt++) {
            orders.add((await ask("client-ams3", stream)).join(" "));
        }
        expect([...orders].sort()).toEqual([ams.join(" "), [...ams].reverse().join(" ")]);
    });

    test("are answered in the default order to places of unknown whereabouts", async () => {
        expect((await ask("studio", stream)).sort()).toEqual(ams);
        expect((await ask("operator", `ingest.${domain}`)).sort()).toEqual(ams);
        expect((await ask("client-nyc3", `ingest.${domain}`)).sort()).toEqual(ams);
    });

    test("include plain records and the lab's own; what nobody has is told at once", async () => {
        expect((await ask("mobile", `ams3.${stream}`)).sort()).toEqual(ams);
        expect(await ask("client-ams3", "acme.test")).toEqual(["198.19.255.80"]);
        const started = Date.now();
        expect(await ask("client-ams3", "www.example.com")).toEqual([]);
        expect(Date.now() - started).toBeLessThan(900);
    });

    test("are found by curl, by node and by programs of the image", async () => {
        const status = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", `http://${stream}/healthz`];
        expect((await run(inNamespace("client-nyc3", status))).stdout).toBe("200");
        const lookup = `require("node:dns").lookup("${stream}", (_, address) => console.log(address))`;
        const { stdout } = await run(inNamespace("client-nyc3", [process.execPath, "-e", lookup]));
        expect(nyc).toContain(stdout.trim());
        const inImage = imageCommand(["getent", "ahostsv4", stream], { netns: "client-nyc3" });
        expect((await run(inImage)).stdout).toContain("198.18.112.1");
    });
});

describe("a member that dies", () => {
    test("is out of all answers in time, and back when it is well", async () => {
        await stopServer("198.18.0.10");
        const out = await untilAnswered("client-ams3", ["198.18.0.11"], outWithinMs);
        const health = (await dnsStatus()).find((name) => name.pool === "pool-ams3")?.members;
        expect(health?.map((member) => member.health)).toEqual(["down", "up"]);
        await startServer("198.18.0.10");
        const back = await untilAnswered("client-ams3", ams, outWithinMs + 1000);
        console.log(`out of DNS after ${out} ms, back after ${back} ms`);
    });

    test("is out in time when it is silent, too", async () => {
        await setCut(machineNamespace("2001"), "both ways");
        await untilAnswered("client-ams3", ["198.18.0.11"], outWithinMs);
        await setCut(machineNamespace("2001"), undefined);
    });
});

describe("a region that dies", () => {
    test("hands its listeners to the next, all regions to the fallback pool, and gets them back", async () => {
        await Promise.all(ams.map(stopServer));
        await untilAnswered("client-ams3", nyc, outWithinMs);
        expect((await ask("client-nyc3", stream)).sort()).toEqual(nyc);
        await Promise.all(nyc.map(stopServer));
        await untilAllDown();
        await untilAnswered("client-ams3", nyc, 2000);
        await untilAnswered("client-sgp1", nyc, 2000);
        await Promise.all([...ams, ...nyc].map(startServer));
        await untilAnswered("client-ams3", ams, outWithinMs + 1000);
    });
});

describe("a change", () => {
    test("keeps the health that is known, loses no question, and is in force when it returns", async () => {
        await stopServer("198.18.0.11");
        await untilAnswered("client-ams3", ["198.18.0.10"], outWithinMs);
        const answers: string[][] = [];
        let changing = true;
        const listener = (async () => {
            while (changing) {
                answers.push(await ask("client-ams3", stream));
            }
        })();
        balancer("f", `new.${domain}`, {});
        await applyDns();
        expect(await ask("client-nyc3", `new.${domain}`)).toEqual(["198.18.0.10"]);
        balancers.remove(id("f"));
        names.remove(id("0"));
        await applyDns();
        changing = false;
        await listener;
        expect(await ask("client-nyc3", `new.${domain}`)).toEqual([]);
        expect(await ask("client-nyc3", `ams3.${stream}`)).toEqual(["198.18.0.11"]);
        expect(new Set(answers.map((addresses) => addresses.join(" ")))).toEqual(new Set(["198.18.0.10"]));
    });
});

describe("weights", () => {
    test("share a pool's answers, one member at a time, and only among healthy ones", async () => {
        pool("b", "pool-ams3", ams, 0.25);
        await applyDns();
        const answers = { one: 0, other: 0 };
        const program = `for i in $(seq 400); do getent ahostsv4 ${stream} | grep STREAM; done`;
        const { stdout } = await run(inNamespace("client-ams3", ["sh", "-c", program]));
        for (const line of stdout.trim().split("\n")) {
            answers[line.startsWith("198.18.0.10 ") ? "one" : "other"] += 1;
        }
        // Of 400, a fifth: 80, give or take four deviations of 8.
        expect(answers.one + answers.other).toBe(400);
        expect(answers.other).toBeGreaterThan(48);
        expect(answers.other).toBeLessThan(112);
        console.log(`weights 1 and 0.25: ${answers.one} and ${answers.other} of 400 answers`);
        await stopServer("198.18.0.10");
        await untilOnly("client-ams3", ["198.18.0.11"], 20);
        await stopServer("198.18.0.11");
        await untilAnswered("client-ams3", nyc, outWithinMs);
        await Promise.all(ams.map(startServer));
    });
});
