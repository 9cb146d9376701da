import { setTimeout as sleep } from "node:timers/promises";

import { findMachine, killMachine, mendMachine } from "../../../lab/machines/machines";
import { waitFor } from "../../../lab/workstation/wait";
import { World } from "../support/world";

/*
 * What is left of a machine that is gone: its journal, on the monitoring machine.
 */

let world: World;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await mendMachine(findMachine("monitoring"));
    await world.arrange({ studio: {} });
}, 1_200_000);

afterAll(() => world.arrange({}));

/** The messages of the drill that the monitoring machine has of a machine. */
async function journalOf(machine: string): Promise<string[]> {
    const text = await world.at("monitoring", [
        ...["journalctl", "--directory=/var/log/journal/remote", "--quiet", "--output=cat"],
        ...["--identifier=drill", `_HOSTNAME=${machine}`],
    ]);
    return text.split("\n").filter(Boolean);
}

const say = (machine: string, message: string): Promise<string> =>
    world.at(machine, ["logger", "--tag", "drill", message]);

async function arrives(machine: string, message: string, limitMs: number): Promise<void> {
    await waitFor(async () => (await journalOf(machine)).includes(message), {
        limitMs,
        everyMs: 1000,
        complaint: () => `the monitoring machine has no "${message}" of ${machine}`,
    });
}

it("has what a machine logged up to 5 s before it lost its power", async () => {
    const machine = findMachine("master-b");
    const name = `killed ${Date.now()}`;
    await say("master-b", `${name}: begin`);
    await arrives("master-b", `${name}: begin`, 60_000);
    const said: { message: string; atMs: number }[] = [];
    let killedMs = 0;
    try {
        for (let second = 0; second < 15; second++) {
            const message = `${name}: ${second}`;
            await say("master-b", message);
            said.push({ message, atMs: Date.now() });
            await sleep(1000);
        }
        await killMachine(machine.id);
        killedMs = Date.now();
        await sleep(3000);
        const has = await journalOf("master-b");
        const early = said.filter(({ atMs }) => atMs < killedMs - 5000).map(({ message }) => message);
        expect(early.length).toBeGreaterThan(5);
        expect(has).toEqual(expect.arrayContaining(early));
    } finally {
        await mendMachine(findMachine("master-b"));
        await world.mend();
    }
});

it("gets what machines logged while the monitoring machine was away", async () => {
    const message = `away ${Date.now()}`;
    try {
        await killMachine(findMachine("monitoring").id);
        await say("master-a", message);
    } finally {
        await mendMachine(findMachine("monitoring"));
    }
    // A machine tries again after 30 s at the most; one that was left hanging, after a minute.
    await arrives("master-a", message, 180_000);
});
