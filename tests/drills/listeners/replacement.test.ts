import { setTimeout as sleep } from "node:timers/promises";

import type { OperationResult } from "../../../lab/engine/operate";
import { rememberStackFile, stackFile } from "../../../lab/engine/stackFile";
import { findMachine, isMachineOn } from "../../../lab/machines/machines";
import { droplets } from "../../../lab/digitalocean/records";
import type { Listener } from "../../../lab/radio/listener";
import { stationOutputs } from "../../../lab/radio/station";
import { waitFor } from "../../../lab/workstation/wait";
import { closeBook, note } from "../support/book";
import { listenByName } from "../support/byName";
import { pulumiUp } from "../support/checkout";
import { limits } from "../support/limits";
import { ask, certified, clientOf } from "../support/names";
import { changedSettings, type Settings } from "../support/settings";
import { World } from "../support/world";

/*
 * New machines in place of every Relay and every Master, while people listen.
 */

let world: World;
let before: string;

beforeAll(async () => {
    world = await World.open();
    before = stackFile();
    await world.mend();
    await world.arrange({ studio: {} });
}, 1_200_000);

const listeners: Listener[] = [];

afterEach(async () => {
    await Promise.allSettled(listeners.splice(0).map((listener) => listener.stop()));
});

afterAll(async () => {
    // The machines that other files find: they need not be replaced again.
    rememberStackFile(resized());
    await world.arrange({});
    closeBook("replacement");
});

/** Other sizes, which need other machines. */
const resized = (): string => changedSettings("resized", enlarge, before);

function enlarge({ masters, relays }: Settings): void {
    [...masters, ...relays].forEach((machine) => (machine.size = "s-4vcpu-8gb"));
}

/** The same, and `up` waits for nobody's listeners; perhaps with one Relay less in the last region. */
const impatient = (missing: 0 | 1): string =>
    changedSettings(
        `impatient-${missing}`,
        (settings) => {
            enlarge(settings);
            settings.rollout.waitLimitSeconds = 0;
            const last = settings.relays.at(-1);
            if (last) {
                last.count -= missing;
            }
        },
        before,
    );

/** Names of the resources that an operation has worked on, with what it did. */
function stepsOf({ steps }: OperationResult): string[] {
    return steps.map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`);
}

/** One by the station's name in each region. */
async function listenEverywhere(): Promise<void> {
    for (const region of Object.keys(world.outputs.listen)) {
        listeners.push(await listenByName(world, region));
    }
    await Promise.all(listeners.map((listener) => listener.started()));
}

/** One answer for the station's name, and the addresses at which there were droplets just before and just after. */
interface Sample {
    region: string;
    answer: string[];
    present: Set<string>;
    count: number;
}

/** Asks in every region, again and again, until it is told to stop. */
function watch(regions: string[], name: string): { samples: Sample[]; stop: () => Promise<void> } {
    const samples: Sample[] = [];
    let watching = true;
    const present = () => droplets.all().filter(({ status }) => status === "active");
    const inRegion = async (region: string): Promise<void> => {
        const place = await clientOf(region);
        while (watching) {
            const earlier = present();
            const answer = await ask(place, name);
            const later = present();
            const addresses = [...earlier, ...later].map(({ address }) => address);
            samples.push({
                ...{ region, answer },
                present: new Set(addresses),
                count: Math.max(earlier.length, later.length),
            });
            await sleep(200);
        }
    };
    const done = Promise.all(regions.map(inRegion));
    return {
        samples,
        stop: async () => {
            watching = false;
            await done;
        },
    };
}

/** Place of a step in the order of an operation; -1 where it did not happen. */
function placeOf({ steps }: OperationResult, op: string, name: string): number {
    return steps.findIndex((step) => step.op === op && step.urn.endsWith(`::${name}`));
}

it("keeps every region in DNS while each Relay and Master is replaced: the new one serves before the old one goes", async () => {
    const { stream, ingest } = world.outputs.names;
    const regions = Object.keys(world.outputs.listen);
    const machines = [...world.masters, ...world.relays.map(({ name }) => name)];
    const ids = machines.map((name) => findMachine(name).id);
    const old = new Map(regions.map((region) => [region, world.addressesOf(region)]));
    await listenEverywhere();

    const watcher = watch(regions, stream);
    rememberStackFile(resized());
    const result = await pulumiUp().finally(() => watcher.stop());
    expect(result).toMatchObject({ ok: true, errors: [] });
    note("all machines replaced", "up (s)", result.seconds, limits.replaced / 1000);
    expect(result.seconds).toBeLessThan(limits.replaced / 1000);

    // New machines show the public certificate before the old ones go.
    const renewed = await stationOutputs();
    const place = await clientOf(regions[0] ?? "");
    const shown = [
        ...Object.values(renewed.listen)
            .flat()
            .map((url) => ({ address: new URL(url).hostname, name: stream })),
        ...renewed.ingest.masters.map(({ host }) => ({ address: host, name: ingest })),
    ];
    const good = await Promise.all(shown.map(({ address, name }) => certified(place, address, name)));
    expect(good).toEqual(shown.map(() => true));

    world = await World.open();
    expect(machines.map((name) => findMachine(name).id).filter((id) => ids.includes(id))).toEqual([]);
    for (const name of machines) {
        expect(placeOf(result, "create-replacement", name)).toBeGreaterThanOrEqual(0);
        expect(placeOf(result, "create-replacement", `${name}-delivery`)).toBeLessThan(
            placeOf(result, "delete-replaced", name),
        );
    }
    // One after the other, the first one alone; and each is ended before it goes.
    const [first = "", ...others] = world.relays.map(({ name }) => name);
    for (const name of others) {
        expect(placeOf(result, "create-replacement", `${first}-delivery`)).toBeLessThan(
            placeOf(result, "create-replacement", name),
        );
    }
    for (const { name } of world.relays) {
        expect(placeOf(result, "delete-replaced", `${name}-end`)).toBeLessThan(
            placeOf(result, "delete-replaced", name),
        );
    }
    expect(placeOf(result, "create-replacement", "master-b-address")).toBeLessThan(
        placeOf(result, "create-replacement", "master-a"),
    );
    // None is left, whatever the state says.
    expect(
        droplets
            .all()
            .map(({ id }) => String(id))
            .filter((id) => ids.includes(id)),
    ).toEqual([]);
    // Every answer was of the region, and of droplets that were there.
    for (const { region, answer, present } of watcher.samples) {
        const regional = new Set([...(old.get(region) ?? []), ...world.addressesOf(region)]);
        expect(answer.length).toBeGreaterThan(0);
        expect(answer.filter((address) => !regional.has(address) || !present.has(address))).toEqual([]);
    }
    for (const region of regions) {
        const seen = watcher.samples.filter((one) => one.region === region);
        note("all machines replaced", `answers asked for in ${region}`, seen.length, 10_000);
        expect(seen.length).toBeGreaterThan(20);
    }
    // The plan's peak is what happens.
    const peak = Math.max(...watcher.samples.map(({ count }) => count));
    note("all machines replaced", "droplets at once", peak, 2 * machines.length);
    expect(peak).toBe(2 * machines.length);

    // Each was closed in order when its time was over, and came back by the name before its buffer was empty.
    for (const listener of listeners) {
        const back = await listener.waitFor("audio from a new Relay", limits.toAmazon, ({ connections }) =>
            shown.some(({ address }) => address === connections.at(-1)?.address),
        );
        note("all machines replaced", "disconnects of a listener", back.disconnects, 1);
        note("all machines replaced", "gap of a listener (s)", back.gapSeconds, 0);
        expect(back).toMatchObject({ disconnects: 1, gapSeconds: 0 });
        expect(back.connections[0]?.ended?.reason).toBe("closed by the server");
    }
    await world.arrange({ studio: {} });
    expect((await world.encoder("studio").status()).masters).toEqual(["a"]);
}, 1_200_000);

it("leaves a Relay behind that still drains, and forgets it never: the next preview names it, an up deletes it", async () => {
    const last = world.relays.at(-1)?.name ?? "";
    const { id } = findMachine(last);
    const present = (): string[] => droplets.all().map((droplet) => String(droplet.id));
    await listenEverywhere();
    // The end of a droplet goes by what the state holds: the setting has to be there before.
    rememberStackFile(impatient(0));
    expect(await pulumiUp()).toMatchObject({ ok: true });
    rememberStackFile(impatient(1));
    const result = await pulumiUp();
    expect(result).toMatchObject({ ok: true, errors: [] });
    expect(stepsOf(result)).toEqual(expect.arrayContaining([`delete ${last}-end`, `delete ${last}`]));

    // It is in no state any more, and in no name; its listeners are still on.
    expect(droplets.get(id)?.tags).toContain("aerial-lab-draining");
    world = await World.open();
    expect(world.relays.map(({ name }) => name)).not.toContain(last);

    // Its own timer: nobody is on it after the limit, and it switches itself off.
    await waitFor(() => droplets.get(id) === undefined || !isMachineOn(id), {
        limitMs: limits.leftBehindEnds,
        everyMs: 500,
        complaint: () => `${last} still runs, ${limits.leftBehindEnds / 1000} s after it was left behind`,
    });
    expect(present()).toContain(id);
    for (const listener of listeners) {
        const { gapSeconds } = await listener.stop();
        expect(gapSeconds).toBe(0);
    }

    const next = await pulumiUp();
    expect(next).toMatchObject({ ok: true, errors: [] });
    expect(stepsOf(next).every((step) => /^update relay-\w+-left-behind$/.test(step))).toBe(true);
    expect(present()).not.toContain(id);

    // For the drills that come after this one.
    rememberStackFile(resized());
    expect(await pulumiUp()).toMatchObject({ ok: true, errors: [] });
    world = await World.open();
}, 1_500_000);
