import { bootMachine, findMachine, killMachine } from "../../../lab/machines/machines";
import type { ListenReport } from "../../../lab/radio/report";
import type { Amazon } from "../support/amazon";
import { closeBook, note } from "../support/book";
import { limits } from "../support/limits";
import { ask, clientOf, untilAnswered } from "../support/names";
import type { World } from "../support/world";
import { watchArrivals } from "./arrivals";
import { disturbed, hearsStudio, openStage, playsFrom, type Listeners } from "./listeners";

/*
 * All droplets die, and Amazon serves everybody.
 */

/** As station.yaml has them. */
const targetMbps = 2;
const drainLimitMs = 20_000;

let world: World;
let amazon: Amazon;
let listeners: Listeners;
let regions: string[];

beforeAll(async () => {
    ({ world, amazon, listeners, regions } = await openStage());
}, 1_200_000);

afterEach(() => listeners.leave());

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("emergency");
});

it("serves everybody when all droplets die, grows to what that needs, and shrinks without cutting anybody off", async () => {
    await world.mend();
    const [canary] = await amazon.untilServing(1, limits.canaryServes);
    const [near = "", far = ""] = regions;
    const { bitrateKbps } = listeners;
    const everywhere = [...regions.flatMap((region) => world.addressesOf(region)), ...amazon.addresses];
    await listeners.untilCertified(everywhere, far);
    const staying = [await listeners.byName(near), await listeners.byName(far, { playlist: true })];
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
    await Promise.all(staying.map((listener) => playsFrom(listener, amazon.addresses, 0)));
    note(
        "all droplets dead",
        "who listens plays on from Amazon (ms)",
        Date.now() - disaster,
        limits.toAmazon,
    );
    // The load comes when these have had their bursts, which would count as load.
    const count = Math.ceil((1.3 * targetMbps * 1000) / bitrateKbps) - staying.length;
    const loaded = Date.now();
    const load = await Promise.all(
        Array.from({ length: count }, (_, n) =>
            listeners.at(`http://${amazon.addresses[n % 2]}`, n % 2 === 0 ? near : far),
        ),
    );
    const watch = await watchArrivals(amazon, listeners, regions, canary?.id ?? "");
    const alarm = await amazon.until("an alarm", 60_000, () => amazon.resizedAt(loaded));
    note("everybody at Amazon", "alarm for too much load (ms)", alarm - loaded, 60_000);
    const needed = Math.ceil(((count + staying.length) * bitrateKbps) / (targetMbps * 1000));
    const serving = await amazon.untilServing(needed, limits.groupGrows);
    note("alarm", `${needed} instances serve (ms)`, Date.now() - alarm, limits.groupGrows);
    const second = serving.find(({ id }) => id !== canary?.id)?.id ?? "";
    const healthy = Date.now();
    // Whoever comes goes to one or the other by chance.
    for (;;) {
        const listener = await listeners.at(`http://${amazon.addresses[0]}`, near, { codec: "aac" });
        await listener.started();
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
    expect(arrivals).toHaveProperty(second);
    expect([...new Set(Object.values(arrivals))]).toEqual(["InService, healthy"]);
    expect(disturbed(await Promise.all(load.map((listener) => listener.stop())))).toEqual([]);

    const relief = Date.now();
    await Promise.all(world.relays.map(({ name }) => bootMachine(findMachine(name).id)));
    await untilAnswered(await clientOf(far), listeners.stream, world.addressesOf(far), { since: relief });
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
    await Promise.all(staying.map((listener) => playsFrom(listener, everywhere, relief)));
    expect((await staying[1]?.stop())?.connections.at(-1)?.address).toBe(world.addressesOf(far)[0]);
    // From the disaster on; the first burst may hold what was on air before the studio.
    const timeline = (await staying[0]?.stop())?.timeline ?? [];
    const since = timeline.findLastIndex(({ arrivedAt }) => arrivedAt <= disaster);
    expect(timeline.slice(since).map(({ source }) => source)).toEqual(["studio"]);
}, 480_000);

/** Waits until a region is answered with addresses of Amazon's only. */
async function untilAmazonAnswers(region: string): Promise<void> {
    const place = await clientOf(region);
    await amazon.until(`Amazon's addresses in ${region}`, 30_000, async () => {
        const heard = await ask(place, listeners.stream);
        return heard.length > 0 && heard.every((one) => amazon.addresses.includes(one)) ? true : undefined;
    });
}
