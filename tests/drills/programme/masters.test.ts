import { setTimeout as sleep } from "node:timers/promises";

import {
    bootMachine,
    cutMachine,
    findMachine,
    freezeMachine,
    killMachine,
    thawMachine,
    uncutMachine,
} from "../../../lab/machines/machines";
import { decodedAudio, sourceAudio } from "../../../lab/radio/audio";
import { closeBook } from "../support/book";
import { happening, type Case } from "../support/each";
import { Evening, seated } from "../support/evening";
import { limits } from "../support/limits";
import { World } from "../support/world";

/*
 * One evening of the same listeners, a mount and a Relay each, in two tiers. Master after Master fails, in every way that
 * there is, and nobody who listens can tell: neither by the programme, nor by what is left in the buffer. Without
 * AERIAL_EACH=1, one of each kind happens: a Master ends, stands still, loses one program, comes back soon.
 */

let world: World;
let evening: Evening | undefined;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    const speech = { channel: world.channel, source: "studio", speech: true };
    const programme = await decodedAudio(await sourceAudio(speech));
    // It pushes to both Masters, so that what is heard stays the same.
    await world.arrange({ studio: { master: "both", speech: true } });
    await world.ready(["studio"]);
    evening = await Evening.begin(world, programme);
}, 1_200_000);

afterAll(async () => {
    await evening?.end();
    await world.mend();
    await world.arrange({});
    closeBook("masters");
});

interface Fault extends Case {
    name: string;
    happens: (id: string) => Promise<unknown>;
    /** What ends it; absent where the Master helps itself. */
    ends?: (id: string) => Promise<void>;
    /** After how long it ends, in ms; longer than any time-out on the way unless given. */
    lastsMs?: number;
}

/** A fault begins this long after the one before, at the earliest. */
const spacingMs = 20_000;

const units = {
    icecast: "aerial-icecast.service",
    nginx: "aerial-nginx.service",
    radio: "aerial-radio@main.service",
};
const kill =
    (...names: string[]) =>
    (id: string): Promise<unknown> =>
        Promise.all(names.map((name) => world.killUnit(id, name)));

const faults: Fault[] = [
    { name: "every process of the Master is killed", happens: kill(...Object.values(units)) },
    { name: "the Master freezes", happens: freezeMachine, ends: thawMachine },
    { name: "the Master loses power", happens: killMachine, ends: bootMachine, rarely: true },
    {
        name: "the Master's network is cut",
        happens: (id) => cutMachine(id),
        ends: uncutMachine,
        rarely: true,
    },
    {
        name: "what the Master sends is lost",
        happens: (id) => cutMachine(id, "sent"),
        ends: uncutMachine,
        rarely: true,
    },
    {
        name: "what the Master would receive is lost",
        happens: (id) => cutMachine(id, "received"),
        ends: uncutMachine,
        rarely: true,
    },
    { name: "Liquidsoap alone is killed", happens: kill(units.radio) },
    { name: "Icecast alone is killed", happens: kill(units.icecast), rarely: true },
    { name: "the Master freezes for 2 s only", happens: freezeMachine, ends: thawMachine, lastsMs: 2000 },
    {
        name: "what the Master sends is lost for 15 s",
        happens: (id) => cutMachine(id, "sent"),
        ends: uncutMachine,
        lastsMs: 15_000,
        rarely: true,
    },
];

const mastersFaults = happening(faults);
const beforeBothAreGone = Math.ceil(mastersFaults.length / 2);

/** Every Master is well, the studio has its connection to each again, and every Relay knows that both play the same. */
async function allIsWell(): Promise<void> {
    await world.mastersWell(limits.backOnPreferred);
    await world.onAllHosts("studio", limits.encoderBack);
    await world.linedUp(limits.linedUp);
}

const studioOnly = { heard: ["studio"], lostSeconds: limits.lostSeconds };

const promise = "keeps programme and buffer of every listener when $name, and when it is back";

const survive = ({ name, happens, ends, lastsMs = 8000 }: Fault): Promise<void> =>
    seated(evening).during(name, studioOnly, async (buffersKept) => {
        await allIsWell();
        const heard = await world.masterHeard();
        const { id } = findMachine(heard);
        const began = Date.now();
        await happens(id);
        try {
            await sleep(Math.min(3000, lastsMs));
            if (lastsMs >= 3000) {
                buffersKept("3 s after");
                // Or the fault was none.
                await world.leaves(heard, limits.masterLeft);
            }
            if (ends) {
                await sleep(Math.max(0, began + lastsMs - Date.now()));
            }
        } finally {
            await ends?.(id);
        }
        await sleep(3000);
        buffersKept("3 s after its end");
        await allIsWell();
        await sleep(Math.max(0, began + spacingMs - Date.now()));
        buffersKept("at last");
    });

it.each(mastersFaults.slice(0, beforeBothAreGone))(promise, survive);

it("plays the standby audio of the Relays while both Masters are gone, and the studio when they are back", () =>
    seated(evening).during(
        "both Masters are gone",
        { heard: ["studio", "standby", "studio"] },
        async (buffersKept) => {
            await allIsWell();
            const ids = world.masters.map((name) => findMachine(name).id);
            const gone = Date.now();
            await Promise.all(ids.map(killMachine));
            try {
                await seated(evening).hears("standby", gone, limits.standby, "both Masters gone");
                await sleep(3000);
                buffersKept("with the standby audio");
            } finally {
                // The drills that follow need them, whatever happened to this one.
                await Promise.all(ids.map(bootMachine));
            }
            const back = Date.now();
            await seated(evening).hears("studio", back, limits.mastersBack, "both Masters back");
            await sleep(3000);
            buffersKept("3 s after the studio is back");
            await allIsWell();
        },
    ));

it.each(mastersFaults.slice(beforeBothAreGone))(promise, survive);

it("keeps listeners on when the feed of their Relay is killed, and loses 2 s of programme at most", () =>
    seated(evening).during(
        "the feeds are killed",
        { heard: ["studio"], lostSeconds: limits.lostWithFeedSeconds, restarts: "aerial-feed.service" },
        async () => {
            await allIsWell();
            await Promise.all(world.relays.map(({ name }) => world.killUnit(name, "aerial-feed.service")));
            // Until the recordings hold enough of what came after.
            await sleep(12_000);
        },
    ));
