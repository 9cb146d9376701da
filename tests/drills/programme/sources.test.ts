import { setTimeout as sleep } from "node:timers/promises";

import { closeBook } from "../support/book";
import { drill } from "../support/drill";
import { limits } from "../support/limits";
import { World } from "../support/world";

let world: World;

beforeAll(async () => {
    world = await World.open();
}, 1_200_000);

afterAll(async () => {
    await world.arrange({});
    closeBook("sources");
});

const all = { studio: {}, mobile: {}, airtime: {} };

it("goes down the ladder as sources close, studio, mobile, airtime, announcement, and up again as they connect", () =>
    drill(world, "ladder", {
        sources: all,
        hearing: "studio",
        happens: async (audience) => {
            for (const [source, next] of [
                ["studio", "mobile"],
                ["mobile", "airtime"],
                ["airtime", "announcement"],
            ] as const) {
                const closed = Date.now();
                await world.encoder(source).stop();
                await audience.hears(next, closed, limits.nextSource, `${source} closes`);
            }
            for (const source of ["airtime", "mobile", "studio"]) {
                await world.start(source);
                await audience.hears(source, Date.now(), limits.sourceHeard, `${source} connects`);
            }
        },
        expect: { heard: ["studio", "mobile", "airtime", "announcement", "airtime", "mobile", "studio"] },
    }));

it("plays the next source when the studio freezes, and the studio when it goes on", () =>
    drill(world, "studio freezes", {
        sources: { studio: {}, mobile: {} },
        hearing: "studio",
        happens: async (audience) => {
            const frozen = Date.now();
            await world.encoder("studio").freeze();
            await audience.hears("mobile", frozen, limits.nextSource, "studio freezes");
            // Longer than Icecast keeps a source that sends nothing: the encoder has to connect anew.
            await sleep(5000);
            const thawed = Date.now();
            await world.encoder("studio").thaw();
            await audience.hears("studio", thawed, limits.sourceHeard, "studio goes on");
        },
        expect: { heard: ["studio", "mobile", "studio"] },
    }));

it("takes a studio that sends silence for absent, and plays it again when it sounds", () =>
    drill(world, "studio is silent", {
        sources: { studio: {}, mobile: {} },
        hearing: "studio",
        happens: async (audience) => {
            const silent = Date.now();
            await world.encoder("studio").setSilent(true);
            const { afterSeconds, returnAfterSeconds } = world.silence;
            await audience.hears(
                "mobile",
                silent,
                afterSeconds * 1000 + limits.afterSilence,
                `studio sends silence (${afterSeconds} s count)`,
            );
            const sounding = Date.now();
            await world.encoder("studio").setSilent(false);
            await audience.hears(
                "studio",
                sounding,
                returnAfterSeconds * 1000 + limits.afterSilence,
                `studio sounds again (${returnAfterSeconds} s count)`,
            );
        },
        // The silence itself is the programme until it has lasted.
        expect: { heard: ["studio", "silence", "mobile", "studio"], ownSilencesFrom: 2000 },
    }));

it("plays a studio that reaches Master b only, everywhere", () =>
    drill(world, "studio on b only", {
        sources: { airtime: {} },
        hearing: "airtime",
        happens: async (audience) => {
            await world.start("studio", { master: "b" });
            await audience.hears("studio", Date.now(), limits.sourceHeardAcross, "studio connects to b");
            const closed = Date.now();
            await world.encoder("studio").stop();
            await audience.hears("airtime", closed, limits.nextSource, "studio on b closes");
        },
        expect: { heard: ["airtime", "studio", "airtime"] },
    }));
