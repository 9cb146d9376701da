import { setTimeout as sleep } from "node:timers/promises";

import { findMachine, freezeMachine, thawMachine } from "../../../lab/machines/machines";
import { decodedAudio, sourceAudio } from "../../../lab/radio/audio";
import { closeBook } from "../support/book";
import { Evening, seated } from "../support/evening";
import { limits } from "../support/limits";
import { World } from "../support/world";

let world: World;
let evening: Evening | undefined;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    const speech = { channel: world.channel, source: "studio", speech: true };
    const programme = await decodedAudio(await sourceAudio(speech));
    await world.arrange({ studio: { master: "both", speech: true } });
    await world.ready(["studio"]);
    evening = await Evening.begin(world, programme);
}, 1_200_000);

afterAll(async () => {
    await evening?.end();
    await world.mend();
    await world.arrange({});
    closeBook("titles");
});

/** Titles of each listener since it had some number of them. */
function titlesSince(counts: number[]): string[][] {
    return seated(evening)
        .reports()
        .map(({ titles }, index) => titles.slice(counts[index]).map(({ title }) => title));
}

const counts = (): number[] =>
    seated(evening)
        .reports()
        .map(({ titles }) => titles.length);

const exactly = (title: string): RegExp => new RegExp(`^${title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

/** Longer than the way of the audio to a listener of the second tier: 3.5 s in the Master, 5 s in each tier. */
const wayMs = 15_000;

const first = "Zażółć gęślą jaźń – O'Brien 字 🎉";
const second = "Второй (2)";

it("shows a title in any script as it was sent, and at its place in the audio", async () => {
    const at = await world.encoder("studio").setTitle(first);
    await seated(evening).titleIsInPlace("title in UTF-8", exactly(first), at);
});

it("keeps the title over a joint to the other Master and back, and shows the next one at its place", async () => {
    const before = counts();
    const { id } = findMachine(await world.masterHeard());
    await freezeMachine(id);
    try {
        await sleep(5000);
        const at = await world.encoder("studio").setTitle(second);
        await seated(evening).titleIsInPlace("title by the other Master", exactly(second), at);
    } finally {
        await thawMachine(id);
    }
    await world.onUpstream(world.outputs.ingest.masters[0]?.id ?? "", limits.backOnPreferred);
    await sleep(wayMs);
    // A title may be said again, but none comes back after the next one.
    for (const shown of titlesSince(before)) {
        const since = shown.indexOf(second);
        expect(new Set(shown.slice(0, since))).toEqual(new Set(since > 0 ? [first] : []));
        expect(new Set(shown.slice(since))).toEqual(new Set([second]));
    }
});

it("shows the title of the source that is heard, from where it is heard", async () => {
    const before = counts();
    await world.start("mobile", { master: "both" });
    await world.encoder("mobile").setTitle("Mobile studio");
    await sleep(wayMs);
    expect(titlesSince(before).flat()).toEqual([]);
    const closed = Date.now();
    await world.encoder("studio").stop();
    await seated(evening).hears("mobile", closed, limits.nextSource, "studio closes");
    await seated(evening).titleIsInPlace("title of the next source", exactly("Mobile studio"));
});

it("leaves no title over when a source without titles follows", async () => {
    await world.start("airtime", { master: "both" });
    await sleep(3000);
    const closed = Date.now();
    await world.encoder("mobile").stop();
    await seated(evening).hears("airtime", closed, limits.nextSource, "mobile closes");
    // What it says then is the station's; an unclosed block would be shown as it came.
    const channel = world.outputs.channels[world.channel]?.title ?? "";
    await seated(evening).titleIsInPlace("title of a source without any", exactly(channel));
});
