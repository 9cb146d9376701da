import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { parse, stringify } from "yaml";

import type { OperationResult } from "../../../lab/engine/operate";
import { rememberStackFile, stackFile } from "../../../lab/engine/stackFile";
import { findMachine } from "../../../lab/machines/machines";
import { labPath } from "../../../lab/paths";
import { droplets } from "../../../lab/digitalocean/records";
import { startListener, type Listener } from "../../../lab/radio/listener";
import { publicRoots, stationOutputs } from "../../../lab/radio/station";
import { closeBook, note } from "../support/book";
import { pulumiUp } from "../support/checkout";
import { limits } from "../support/limits";
import { ask, certified, clientOf } from "../support/names";
import { alone } from "../support/turns";
import { World } from "../support/world";

/*
 * A change that makes every Relay and every Master anew, while people listen.
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
    rememberStackFile(before);
    await world.arrange({});
    closeBook("replacement");
});

/** The station's settings with another title of the channel, which Masters and Relays both have in their files. */
function retitled(): string {
    const settings = parse(readFileSync(before, "utf8")) as {
        config: { "aerial:station": { channels: { title: string }[] } };
    };
    for (const channel of settings.config["aerial:station"].channels) {
        channel.title = `${channel.title}, now`;
    }
    const file = labPath("retitled.yaml");
    writeFileSync(file, stringify(settings));
    return file;
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
    await alone();
    const { stream, ingest } = world.outputs.names;
    const regions = Object.keys(world.outputs.listen);
    const machines = [...world.masters, ...world.relays.map(({ name }) => name)];
    const ids = machines.map((name) => findMachine(name).id);
    const old = new Map(regions.map((region) => [region, world.addressesOf(region)]));
    for (const region of regions) {
        const url = world.outputs.channels[world.channel]?.formats[0]?.url ?? "";
        const options = {
            netns: await clientOf(region),
            urls: [url],
            codec: "mp3" as const,
            ca: publicRoots(),
        };
        listeners.push(startListener({ ...options, decode: false }));
    }
    await Promise.all(listeners.map((listener) => listener.started()));

    const watcher = watch(regions, stream);
    rememberStackFile(retitled());
    const result = await pulumiUp().finally(() => watcher.stop());
    expect(result).toMatchObject({ ok: true, errors: [] });
    note("all machines replaced", "up (s)", result.seconds, 600);

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
        expect(placeOf(result, "create-replacement", `${name}-ready`)).toBeLessThan(
            placeOf(result, "delete-replaced", name),
        );
    }
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

    // Draining is not built yet: listeners are cut, and come back by the name.
    for (const listener of listeners) {
        const back = await listener.waitFor("audio from a new Relay", limits.toAmazon, ({ connections }) =>
            shown.some(({ address }) => address === connections.at(-1)?.address),
        );
        note("all machines replaced", "disconnects of a listener", back.disconnects, 2);
        note("all machines replaced", "gap of a listener (s)", back.gapSeconds, limits.toAmazon / 1000);
        expect(back.disconnects).toBeLessThanOrEqual(2);
    }
    await world.arrange({ studio: {} });
    expect((await world.encoder("studio").status()).masters).toEqual(["a"]);
}, 900_000);
