import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";

import { bootMachine, findMachine, killMachine } from "../../../lab/machines/machines";
import { labPath } from "../../../lab/paths";
import { startDecodingListener, startListener, type Listener } from "../../../lab/radio/listener";
import { publicRoots } from "../../../lab/radio/station";
import { closeBook, note } from "../support/book";
import { limits } from "../support/limits";
import { ask, clientOf, untilAnswered } from "../support/names";
import { World } from "../support/world";

/*
 * Listeners and encoders that know names and nothing else.
 */

let world: World;
let regions: string[];
let stream: string;
let ingest: string;
const leaving: Listener[] = [];

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await world.arrange({ studio: {} });
    regions = Object.keys(world.outputs.listen);
    ({ stream, ingest } = world.outputs.names);
    for (const region of regions) {
        await untilAnswered(await clientOf(region), stream, world.addressesOf(region));
    }
}, 1_200_000);

afterEach(async () => {
    await Promise.allSettled(leaving.splice(0).map((listener) => listener.stop()));
});

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("names");
});

const power = {
    off: (name: string) => killMachine(findMachine(name).id),
    on: (name: string) => bootMachine(findMachine(name).id),
};

const relaysOf = (region: string): string[] =>
    world.relays.filter((relay) => relay.region === region).map(({ name }) => name);

/** A listener in a region that goes by the station's name. */
async function listenByName(region: string, decode: boolean, ca = publicRoots()): Promise<Listener> {
    const url = world.outputs.channels[world.channel]?.formats[0]?.url ?? "";
    const options = { netns: await clientOf(region), urls: [url], codec: "mp3" as const, ca };
    const listener = decode
        ? await startDecodingListener(options)
        : startListener({ ...options, decode: false });
    leaving.push(listener);
    return listener;
}

/** A listener at a given Relay, by its address. */
async function listenAt({ name, region }: { name: string; region: string }): Promise<Listener> {
    const relay = world.relays.find((one) => one.name === name);
    const urls = [relay ? world.url(relay, "mp3") : ""];
    const listener = startListener({ netns: await clientOf(region), urls, codec: "mp3", decode: false });
    leaving.push(listener);
    await listener.started();
    return listener;
}

it("leads a listener to the Relays of the region, in varying order, and an encoder to Master a", async () => {
    for (const region of regions) {
        const place = await clientOf(region);
        const answers: string[][] = [];
        for (let n = 0; n < 16; n++) {
            answers.push(await ask(place, stream));
        }
        const expected = world.addressesOf(region).sort();
        expect(answers.map((one) => [...one].sort())).toEqual(answers.map(() => expected));
        expect(new Set(answers.map(([first]) => first)).size).toBe(expected.length);
    }
    expect(await ask("studio", ingest)).toEqual([world.outputs.ingest.masters[0]?.host]);
    expect((await world.encoder("studio").status()).masters).toEqual(["a"]);
});

it.each(["ams3", "nyc3"])(
    "plays by https in %s, trusting the lab's certificate authority alone",
    async (region) => {
        const listener = await listenByName(region, true);
        const { arrivedAt } = await listener.waitForSource("studio", { timeoutMs: limits.atLast });
        const { connections, timeToFirstByteMs, failedAttempts } = await listener.stop();
        expect(arrivedAt).toBeGreaterThan(0);
        expect(failedAttempts).toBe(0);
        expect(world.addressesOf(region)).toContain(connections[0]?.address);
        note(`https in ${region}`, "time to first byte (ms)", timeToFirstByteMs ?? -1, 1000);

        const distrustful = await listenByName(region, false, rootCertificates[0]);
        await distrustful.waitFor("a refusal", 10_000, ({ failedAttempts: failed }) => failed > 0);
        const refused = await distrustful.stop();
        expect(refused.bytes).toBe(0);
        expect(refused.connections[0]?.ended?.reason).toMatch(/unable to (verify|get)|self.signed/);
    },
);

it("leaves a dead Relay out, then a dead region, and answers with the fallback when all are dead", async () => {
    const [near = "", far = ""] = regions;
    const place = await clientOf(near);
    const [first = "", ...rest] = relaysOf(near);
    const firstAddress = new URL(world.relays.find(({ name }) => name === first)?.url ?? "").hostname;
    const others = world.addressesOf(near).filter((address) => address !== firstAddress);
    const listeners = await Promise.all(
        [
            ...rest.map((name) => ({ name, region: near })),
            ...relaysOf(far).map((name) => ({ name, region: far })),
        ].map(listenAt),
    );
    await sleep(2000);

    let since = Date.now();
    await power.off(first);
    const out = await untilAnswered(place, stream, others, { since });
    note("Relay dead", "out of DNS (ms)", out, world.outWithinMs);
    const [beside, ...away] = listeners.map((listener) => listener.report());
    expect(
        [beside, ...away].filter((report) => (report?.disconnects ?? 1) > 0 || report?.gapSeconds),
    ).toEqual([]);

    since = Date.now();
    await Promise.all(rest.map(power.off));
    const region = await untilAnswered(place, stream, world.addressesOf(far), { since });
    note(`${near} dead`, `${far} answers in ${near} (ms)`, region, world.outWithinMs);
    const byName = await listenByName(near, false);
    const { connections } = await byName.started();
    expect(world.addressesOf(far)).toContain(connections.at(-1)?.address);
    const reports = listeners.slice(rest.length).map((listener) => listener.report());
    expect(reports.filter(({ disconnects, gapSeconds }) => disconnects > 0 || gapSeconds > 0)).toEqual([]);

    since = Date.now();
    await Promise.all(relaysOf(far).map(power.off));
    // The pool with the greatest capacity, or the first of equal ones: see planSteering.
    const fallback = world.addressesOf([...regions].sort()[0] ?? "");
    const all = await untilAnswered(await clientOf(far), stream, fallback, { since });
    note("all Relays dead", "the fallback answers (ms)", all, world.outWithinMs);

    since = Date.now();
    await Promise.all(world.relays.map(({ name }) => power.on(name)));
    // The fallback's own region is answered with it in any case, so it comes last.
    for (const one of [...regions].sort().reverse()) {
        const options = { since, patienceMs: 90_000 };
        const back = await untilAnswered(await clientOf(one), stream, world.addressesOf(one), options);
        note("all Relays boot", `${one} answers in ${one} (ms)`, back, limits.backInDns);
        expect(back).toBeLessThanOrEqual(limits.backInDns);
    }
    expect(Math.max(out, region, all)).toBeLessThanOrEqual(world.outWithinMs);
});

it("moves an encoder that knows the name from a dead Master a to b by itself; the name comes back later", async () => {
    await world.mend();
    await world.arrange({ studio: {}, airtime: { master: "both" } });
    const listener = await listenByName(regions[1] ?? "", true);
    await listener.waitForSource("studio", { timeoutMs: limits.atLast });
    const [a, b] = world.outputs.ingest.masters.map(({ host }) => host);

    let since = Date.now();
    await power.off("master-a");
    const moved = untilAnswered("studio", ingest, [b ?? ""], { since });
    await listener.waitForSource("airtime", { timeoutMs: limits.atLast, since: since - 250 });
    const { arrivedAt } = await listener.waitForSource("studio", { timeoutMs: 60_000, since: since + 1000 });
    note("Master a dead", "the name leads to b (ms)", await moved, world.outWithinMs);
    note("Master a dead", "studio is heard again (ms)", arrivedAt - since, limits.encoderMoves);
    expect((await world.encoder("studio").status()).masters).toEqual(["b"]);
    expect(await moved).toBeLessThanOrEqual(world.outWithinMs);
    expect(arrivedAt - since).toBeLessThanOrEqual(limits.encoderMoves);

    since = Date.now();
    await power.on("master-a");
    const back = await untilAnswered("studio", ingest, [a ?? ""], { since });
    note("Master a boots", "the name leads to a (ms)", back, limits.backInDns);
    await world.onUpstream("a", limits.backOnPreferred);
    // It stays where it is; a has the studio from b.
    expect((await world.encoder("studio").status()).masters).toEqual(["b"]);
    const report = await listener.stop();
    expect(report).toMatchObject({ disconnects: 0, gapSeconds: 0 });
    expect(report.timeline.at(-1)?.source).toBe("studio");
    const playing = await Promise.all(
        world.masters.map(async (name): Promise<unknown> =>
            JSON.parse(await world.at(name, ["/usr/local/lib/aerial/status"])),
        ),
    );
    expect(playing).toMatchObject([
        { channels: { [world.channel]: { playing: "studio" } } },
        { channels: { [world.channel]: { playing: "studio" } } },
    ]);

    const next = world.encoder("studio");
    await next.stop();
    await world.arrange({ studio: {} });
    expect((await next.status()).masters).toEqual(["a"]);
});

it("takes the studio by TLS too, where it verifies the certificate", async () => {
    await world.arrange({});
    const studio = world.encoder("studio");
    await studio.start(world.outputs, { tls: true });
    expect((await studio.status()).masters).toEqual(["a"]);
    const listener = await listenByName(regions[0] ?? "", true);
    await listener.waitForSource("studio", { timeoutMs: limits.atLast });
    await studio.stop();
    // The root of another authority.
    const wrong = studio.start(world.outputs, { tls: true, roots: labPath("authority", "root.pem") });
    await expect(wrong).rejects.toThrow("a certificate that is not trusted");
});
