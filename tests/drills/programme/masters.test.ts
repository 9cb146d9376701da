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
import { closeBook, note } from "../support/book";
import { drill } from "../support/drill";
import { limits } from "../support/limits";
import { World } from "../support/world";

let world: World;

beforeAll(async () => {
    world = await World.open();
}, 1_200_000);

afterAll(async () => {
    await world.mend();
    await world.arrange({});
    closeBook("masters");
});

/** Sources that can push twice do, so that what is heard stays the same. */
const onBoth = { studio: { master: "both" } };

const masterA = (): string => findMachine("master-a").id;

interface Fault {
    name: string;
    happens: () => Promise<void>;
    /** What ends it; absent where the Master helps itself. */
    ends?: () => Promise<void>;
}

const faults: Fault[] = [
    { name: "Icecast of a killed", happens: () => world.killUnit("master-a", "aerial-icecast.service") },
    {
        name: "Liquidsoap of a killed",
        happens: () => world.killUnit("master-a", "aerial-radio@main.service"),
    },
    {
        name: "power of a cut",
        happens: () => killMachine(masterA()),
        ends: () => bootMachine(masterA()),
    },
    { name: "a frozen", happens: () => freezeMachine(masterA()), ends: () => thawMachine(masterA()) },
    { name: "network of a cut", happens: () => cutMachine(masterA()), ends: () => uncutMachine(masterA()) },
];

it.each(faults)("nobody hears a thing: $name, and back", ({ name, happens, ends }) =>
    drill(world, name, {
        sources: onBoth,
        hearing: "studio",
        happens: async () => {
            await happens();
            if (ends) {
                // Longer than any time-out on the way: what must give up on a has given up.
                await sleep(8000);
                await ends();
            } else {
                // Long enough for the Relays to have noticed; systemd starts it again meanwhile.
                await sleep(3000);
            }
            note(
                name,
                "back on a (ms)",
                await world.onUpstream("a", limits.backOnPreferred),
                limits.backOnPreferred,
            );
            // The way back is a switch too: its first seconds belong to the drill.
            await sleep(2000);
        },
        expect: { heard: ["studio"] },
    }),
);

it("plays the standby audio of the Relays while both Masters are gone, and the studio when they are back", () =>
    drill(world, "both Masters gone", {
        sources: onBoth,
        hearing: "studio",
        happens: async (audience) => {
            const ids = world.masters.map((name) => findMachine(name).id);
            const gone = Date.now();
            await Promise.all(ids.map(killMachine));
            await audience.hears("standby", gone, limits.standby, "both Masters gone");
            const back = Date.now();
            await Promise.all(ids.map(bootMachine));
            await audience.hears("studio", back, limits.mastersBack, "both Masters back");
        },
    }));
