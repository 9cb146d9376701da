import { setTimeout as sleep } from "node:timers/promises";

import { issuingRoots } from "../../../lab/acme";
import { bootMachine, findMachine, killMachine } from "../../../lab/machines/machines";
import type { Codec } from "../../../lab/radio/frames";
import { startDecodingListener, startListener, type Listener } from "../../../lab/radio/listener";
import type { ListenReport } from "../../../lab/radio/report";
import { publicRoots } from "../../../lab/radio/station";
import { Amazon, say } from "../support/amazon";
import { closeBook, note } from "../support/book";
import { pulumiUp } from "../support/checkout";
import { limits } from "../support/limits";
import { ask, clientOf, untilAnswered } from "../support/names";
import { statusOf } from "../support/stranger";
import { World } from "../support/world";

/*
 * A Relay at Amazon that always serves a few listeners, gets every change first, and becomes many when all droplets die.
 */

let world: World;
let amazon: Amazon;
let regions: string[];
let stream: string;
let mount: Record<Codec, string>;
let bitrateKbps: number;
/** Of the settings: see station.yaml. */
const share = 0.25;
const targetMbps = 2;
const drainLimitMs = 20_000;
const leaving: Listener[] = [];
const ending: (() => void)[] = [];

beforeAll(async () => {
    world = await World.open();
    amazon = await Amazon.open();
    regions = Object.keys(world.outputs.listen);
    stream = world.outputs.names.stream;
    const { formats = [] } = world.outputs.channels[world.channel] ?? {};
    const format = (codec: Codec) => formats.find((one) => one.codec === codec);
    mount = { mp3: format("mp3")?.mount ?? "", aac: format("aac")?.mount ?? "" };
    bitrateKbps = format("mp3")?.bitrateKbps ?? 0;
    await world.mend();
    await world.arrange({ studio: { master: "all" } });
    await amazon.untilServing(1, limits.canaryServes);
}, 1_200_000);

afterEach(async () => {
    ending.splice(0).forEach((end) => end());
    await Promise.allSettled(leaving.splice(0).map((listener) => listener.stop()));
});

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("emergency");
});

/** A listener that goes by an address, byte by byte or with ears. */
async function listenAt(base: string, region: string, decode: boolean): Promise<Listener> {
    const options = { netns: await clientOf(region), urls: [base + mount.mp3], codec: "mp3" as const };
    return seated(decode ? await startDecodingListener(options) : startListener({ ...options, decode }));
}

/** A listener that knows the station's name, or its playlist, and nothing else; by https. */
async function listenByName(region: string, playlist: boolean): Promise<Listener> {
    const url = `https://${stream}${mount.mp3}`;
    const where = playlist ? { urls: [], playlist: `${url}.m3u` } : { urls: [url] };
    const options = { netns: await clientOf(region), ...where, codec: "mp3" as const, ca: publicRoots() };
    return seated(await startDecodingListener(options));
}

function seated(listener: Listener): Listener {
    leaving.push(listener);
    return listener;
}

const hearsStudio = (listener: Listener) => listener.waitForSource("studio", { timeoutMs: 20_000 });

/** Waits until a listener plays from one of these addresses, by a connection made after `since`. */
function playsFrom(listener: Listener, addresses: readonly string[], since = 0): Promise<ListenReport> {
    return listener.waitFor(`audio from ${addresses.join(" or ")}`, limits.toAmazon, ({ connections }) => {
        const { at = 0, address = "", bytes = 0, ended } = connections.at(-1) ?? {};
        return ended === undefined && bytes > 0 && at > since && addresses.includes(address);
    });
}

/** Whoever noticed anything. */
const disturbed = (reports: ListenReport[]): ListenReport[] =>
    reports.filter((one) => one.disconnects + one.failedAttempts > 0 || one.gapSeconds > 0);

it("is on air at Amazon, and in DNS with its share in the nearest region", async () => {
    const [near = "", far = ""] = regions;
    const place = await clientOf(far);
    const listeners = await Promise.all(
        amazon.addresses.map((address) => listenAt(`http://${address}`, far, true)),
    );
    await Promise.all(listeners.map((listener) => hearsStudio(listener)));
    for (const address of amazon.addresses) {
        const byName = ["--resolve", `${stream}:443:${address}`, "--cacert", issuingRoots, "--max-time", "2"];
        expect(await statusOf(place, `https://${stream}${mount.mp3}`, ...byName)).toBe("200");
    }

    const count = 160;
    const answers: string[][] = [];
    while (answers.length < count) {
        const some = Array.from({ length: 8 }, async () => ask(await clientOf(near), stream));
        answers.push(...(await Promise.all(some)));
    }
    const [canary = ""] = amazon.addresses;
    const relays = world.addressesOf(near);
    expect(new Set(answers.flat())).toEqual(new Set([canary, ...relays]));
    const measured = answers.filter(([first]) => first === canary).length / count;
    const promised = share / (share + relays.length);
    note("canary in DNS", "share of answers (%)", Math.round(measured * 100), Math.round(promised * 100));
    // One in a million answers otherwise by chance.
    const deviation = Math.sqrt((promised * (1 - promised)) / count);
    expect(Math.abs(measured - promised)).toBeLessThan(5 * deviation);
    for (let n = 0; n < 12; n++) {
        expect(await ask(place, stream)).toEqual(world.addressesOf(far));
    }
    const reports = await Promise.all(listeners.map((listener) => listener.stop()));
    expect(disturbed(reports)).toEqual([]);
    const [{ id } = { id: "" }] = amazon.serving();
    const restarts = await say(id, "root", "systemctl show --property=Id,NRestarts 'aerial-*.service'");
    expect(restarts.match(/NRestarts=[1-9].*/g)).toBeNull();
});

it("reads its own secrets on an instance, by its own role, as root, and nobody else's", async () => {
    const [{ id } = { id: "" }] = amazon.serving();
    const own = amazon.report.replace(/report$/, "secrets");
    const other = "/somebody-else/secrets";
    await amazon.putParameter(other, "closed");
    const read = (name: string): string =>
        `python3 -c 'import boto3; print(boto3.client("ssm", region_name="${amazon.region}")` +
        `.get_parameter(Name="${name}", WithDecryption=True)["Parameter"]["Value"])' 2>&1 | tail -1`;
    const secrets = await say(id, "root", read(own));
    expect(Object.keys(JSON.parse(secrets) as object)).toEqual(["values", "files"]);
    const refused = await say(id, "root", read(other));
    expect(refused).toContain("AccessDeniedException");
    expect(refused).toMatch(
        new RegExp(`not authorized to perform: ssm:GetParameter on resource: .*${other}`),
    );

    const metadata = "http://169.254.169.254/latest/meta-data/";
    const status = `curl -s -o /dev/null -w "%{http_code}" -m 2 ${metadata}`;
    expect(await say(id, "root", status)).toBe("401");
    expect(await say(id, "nobody", status)).toBe("000");
    expect(await say(id, "nobody", read(own))).toMatch(/NoCredentialsError/);

    const needles = passwordsIn(secrets, await say(id, "root", "cat /etc/aerial/secrets/*.json"));
    expect(needles.length).toBeGreaterThan(1);
    const search = "grep -rlsaF -f - /etc /var/lib /var/log /run /usr/local /tmp";
    expect(await say(id, "root", search, needles.join("\n"))).toContain("/etc/aerial/secrets/");
    expect(await say(id, "nobody", search, needles.join("\n"))).toBe("");
});

/** Passwords in JSON texts; certificates are no secrets. */
function passwordsIn(...texts: string[]): string[] {
    const found = texts.flatMap((text) => text.match(/"[A-Za-z0-9_-]{16,}"/g) ?? []);
    return [...new Set(found.map((one) => one.slice(1, -1)))];
}

it("stops a broken template at the canary, which the group would start no more; a good one repairs it", async () => {
    const [canary] = await amazon.untilServing(1, limits.canaryServes);
    const machines = world.relays.map(({ name }) => findMachine(name).id);
    const processes = await world.relayProcesses();
    const good = amazon.templateVersion;
    const atRelays = await Promise.all(world.relays.map(({ url, region }) => listenAt(url, region, false)));
    const atCanary = await listenAt(`http://${amazon.addresses[0]}`, regions[0] ?? "", true);
    await hearsStudio(atCanary);

    let since = Date.now();
    const { ok, errors } = await pulumiUp({
        file: "config-templates/relay/icecast/icecast.xml.eta",
        text: "<location>",
        mistyped: "<locaton>",
    });
    note("broken template", "until `up` gives up (ms)", Date.now() - since, limits.canaryJudged);
    expect(ok).toBe(false);
    const told = errors.join("\n");
    expect(told).toContain(`the canary of ${amazon.group} is not on air with launch template version`);
    expect(told).toMatch(/the machine's own words: .*\n*.*not ready after 30 s/);
    expect(told).toContain("not running: aerial-icecast.service");
    expect(world.relays.map(({ name }) => findMachine(name).id)).toEqual(machines);
    expect(amazon.serving().map(({ id }) => id)).toEqual([canary?.id]);
    expect(atCanary.report()).toMatchObject({ disconnects: 0, gapSeconds: 0 });
    expect(amazon.templateVersion).toBe(good);

    // What the group starts from now on is what has been proven.
    since = Date.now();
    await killMachine(canary?.id ?? "");
    const [next] = await amazon.until("another canary", limits.canaryServes, () => {
        const serving = amazon.serving().filter(({ id }) => id !== canary?.id);
        return serving.length > 0 ? serving : undefined;
    });
    note("canary killed", "another one serves (ms)", Date.now() - since, limits.canaryServes);
    expect(next?.templateVersion).toBe(Number(good));
    await playsFrom(atCanary, amazon.addresses, since);
    note("canary killed", "its listener plays again (ms)", Date.now() - since, limits.canaryServes);

    since = Date.now();
    const repaired = await pulumiUp();
    note("good template", "until `up` is done (ms)", Date.now() - since, limits.canaryJudged);
    expect(repaired).toMatchObject({ ok: true, errors: [] });
    expect(amazon.serving().map(({ templateVersion }) => String(templateVersion))).toContain(
        amazon.templateVersion,
    );
    expect(Number(amazon.templateVersion)).toBeGreaterThan(Number(good));
    expect(disturbed(await Promise.all(atRelays.map((listener) => listener.stop())))).toEqual([]);
    expect(world.relays.map(({ name }) => findMachine(name).id)).toEqual(machines);
    expect(await world.relayProcesses()).toEqual(processes);
});

it("serves everybody when all droplets die, grows to what that needs, and shrinks without cutting anybody off", async () => {
    await world.mend();
    const [canary] = await amazon.untilServing(1, limits.canaryServes);
    const [near = "", far = ""] = regions;
    const staying = [await listenByName(near, false), await listenByName(far, true)];
    await Promise.all(staying.map(hearsStudio));

    const disaster = Date.now();
    await Promise.all(world.relays.map(({ name }) => killMachine(findMachine(name).id)));
    for (const region of regions) {
        await untilAmazonAnswers(region);
        note(
            "all droplets dead",
            `Amazon answers in ${region} (ms)`,
            Date.now() - disaster,
            world.outWithinMs,
        );
    }
    const count = Math.ceil((1.45 * targetMbps * 1000) / bitrateKbps) - staying.length;
    const load = await Promise.all(
        Array.from({ length: count }, (_, n) =>
            listenAt(`http://${amazon.addresses[n % 2]}`, n % 2 === 0 ? near : far, false),
        ),
    );
    const watch = await watchArrivals(canary?.id ?? "");
    await Promise.all(staying.map((listener) => playsFrom(listener, amazon.addresses)));
    note(
        "all droplets dead",
        "who listens plays on from Amazon (ms)",
        Date.now() - disaster,
        limits.toAmazon,
    );
    const alarm = await amazon.until("an alarm", 60_000, () => amazon.resizedAt(disaster));
    note("all droplets dead", "alarm for too much load (ms)", alarm - disaster, 60_000);
    const needed = Math.ceil(((count + staying.length) * bitrateKbps) / (targetMbps * 1000));
    const serving = await amazon.untilServing(needed, limits.groupGrows);
    note("alarm", `${needed} instances serve (ms)`, Date.now() - alarm, limits.groupGrows);
    const second = serving.find(({ id }) => id !== canary?.id)?.id ?? "";
    const healthy = Date.now();
    // Whoever comes goes to one or the other by chance.
    for (;;) {
        const listener = await listenInAac(`http://${amazon.addresses[0]}`, near);
        if (
            (await amazon.listenersAt(second, regions)) > 0 ||
            Date.now() - healthy > limits.newInstanceUsed
        ) {
            load.push(listener);
            break;
        }
        expect(disturbed([await listener.stop()])).toEqual([]);
    }
    note("an instance more", "it has its first listener (ms)", Date.now() - healthy, limits.newInstanceUsed);
    expect(await amazon.listenersAt(second, regions)).toBeGreaterThan(0);
    const { answers, arrivals } = await watch.end();
    expect(answers.filter((answer) => answer !== "200")).toEqual([]);
    expect(answers.length).toBeGreaterThan(10);
    expect(arrivals).toEqual({ [second]: "InService, healthy" });
    expect(disturbed(await Promise.all(load.map((listener) => listener.stop())))).toEqual([]);

    const relief = Date.now();
    await Promise.all(world.relays.map(({ name }) => bootMachine(findMachine(name).id)));
    await untilAnswered(await clientOf(far), stream, world.addressesOf(far), { since: relief });
    note("droplets boot", `${far} answers in ${far} (ms)`, Date.now() - relief, limits.backInDns);
    const drained = await amazon.until("one that goes", limits.groupShrinks, () =>
        amazon.instances().find(({ lifecycle }) => lifecycle === "Terminating"),
    );
    const { id, terminatingAt = 0 } = drained;
    note("load gone", "one instance less (ms)", terminatingAt - relief, limits.groupShrinks);
    expect(await amazon.listenersAt(id, regions)).toBeGreaterThan(0);
    const before = staying.map((listener) => listener.report());
    await amazon.until("its end", drainLimitMs + 30_000, () =>
        amazon.instances().some((one) => one.id === id) ? undefined : true,
    );
    const drainedMs = Date.now() - terminatingAt;
    note("one instance less", "its listeners may stay (ms)", drainedMs, drainLimitMs);
    expect(drainedMs).toBeGreaterThanOrEqual(drainLimitMs);
    const experience = ({ connections, gapSeconds }: ListenReport) => [connections.length, gapSeconds];
    expect(staying.map((listener) => experience(listener.report()))).toEqual(before.map(experience));
    await amazon.untilServing(1, 10_000);
    const back = [...regions.flatMap((region) => world.addressesOf(region)), ...amazon.addresses];
    await Promise.all(staying.map((listener) => playsFrom(listener, back, relief)));
    expect((await staying[1]?.stop())?.connections.at(-1)?.address).toBe(world.addressesOf(far)[0]);
    expect((await staying[0]?.stop())?.timeline.map(({ source }) => source)).toEqual(["studio"]);
});

async function listenInAac(base: string, region: string): Promise<Listener> {
    const options = { netns: await clientOf(region), urls: [base + mount.aac], codec: "aac" as const };
    const listener = seated(startListener({ ...options, decode: false }));
    await listener.started();
    return listener;
}

/** Waits until a region is answered with addresses of Amazon's only. */
async function untilAmazonAnswers(region: string): Promise<void> {
    const place = await clientOf(region);
    await amazon.until(`Amazon's addresses in ${region}`, 30_000, async () => {
        const heard = await ask(place, stream);
        return heard.length > 0 && heard.every((one) => amazon.addresses.includes(one)) ? true : undefined;
    });
}

/**
 * Asks the balancer again and again, at both ports, as who has just come; and sees which state instances that are new
 * are in when they get their first listener.
 */
async function watchArrivals(canary: string) {
    const answers: string[] = [];
    const arrivals: Record<string, string> = {};
    const places = await Promise.all(regions.map(clientOf));
    let over = false;
    ending.push(() => (over = true));
    const playlist = `${mount.mp3}.m3u`;
    const asking = (async () => {
        for (let n = 0; !over; n++) {
            const place = places[n % places.length] ?? "";
            const address = amazon.addresses[n % 2] ?? "";
            const byName = ["--resolve", `${stream}:443:${address}`, "--cacert", issuingRoots];
            answers.push(await statusOf(place, `http://${address}${playlist}`));
            answers.push(await statusOf(place, `https://${stream}${playlist}`, ...byName));
            await sleep(300);
        }
    })();
    const looking = (async () => {
        while (!over) {
            for (const { id } of amazon.instances().filter((one) => one.id !== canary && !arrivals[one.id])) {
                if ((await amazon.listenersAt(id, regions)) > 0) {
                    const state = amazon.instances().find((one) => one.id === id)?.lifecycle ?? "gone";
                    const healthy = amazon.serving().some((one) => one.id === id);
                    arrivals[id] = `${state}, ${healthy ? "healthy" : "not healthy"}`;
                }
            }
            await sleep(100);
        }
    })();
    return {
        async end() {
            over = true;
            await Promise.all([asking, looking]);
            return { answers, arrivals };
        },
    };
}
