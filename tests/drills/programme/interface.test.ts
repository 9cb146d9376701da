import { z } from "zod";
import { join } from "node:path";

import { run } from "../../../lab/workstation/run";
import { checkout } from "../../../lab/paths";
import { Encoder } from "../../../lab/radio/encoder";
import { parseOutputs } from "../../../lab/radio/outputs";
import { World } from "../support/world";

/*
 * The command line as a person uses it, and the stack's outputs as all that a studio team and a player need.
 */

let world: World;

beforeAll(async () => {
    world = await World.open();
    await world.mend();
    await world.arrange({});
}, 1_200_000);

afterAll(() => world.arrange({}));

async function lab(...args: string[]): Promise<string> {
    const { stdout } = await run([join(checkout, "tools/lab"), ...args], { timeoutSeconds: 120 });
    return stdout;
}

/** The parts of `listen --json` that are asked for here. */
const experience = z.object({
    timeToFirstByteMs: z.number(),
    disconnects: z.number(),
    gapSeconds: z.number(),
    buffer: z.object({ lowestSeconds: z.number() }),
    timeline: z.array(z.object({ source: z.string(), arrivedAt: z.number(), mediaSeconds: z.number() })),
});

it("puts a source on air and hears it by `outputs --json` alone, from every region and in every format", async () => {
    const outputs = parseOutputs(JSON.parse(await lab("outputs", "--json")));
    const [channel = ""] = Object.keys(outputs.channels);
    const source = "studio";
    await new Encoder(channel, source).start(outputs);
    const { formats } = outputs.channels[channel] ?? { formats: [] };
    const listening = Object.keys(outputs.listen).flatMap((region) =>
        formats.map(({ codec }) =>
            lab("listen", channel, "--region", region, "--format", codec, "--seconds", "20", "--json"),
        ),
    );
    for (const answer of await Promise.all(listening)) {
        const report = experience.parse(JSON.parse(answer));
        expect(report).toMatchObject({ disconnects: 0, gapSeconds: 0 });
        expect(report.timeline.at(-1)?.source).toBe(source);
    }
});

it("says that a source is already on, and changes nothing", async () => {
    await world.arrange({ mobile: {} });
    expect(await lab("source", world.channel, "mobile", "start")).toContain("is already on");
    expect(await lab("source", world.channel, "mobile", "status")).toContain("is on at Master a");
    expect(await lab("source", world.channel, "mobile", "stop")).toContain("has closed its connection");
    expect(await lab("source", world.channel, "mobile", "stop")).toContain("was not on");
});

it("says why a source is refused: a wrong password, and a mount that is taken", async () => {
    const passwords = structuredClone(world.outputs.ingestPasswords);
    const ofChannel = passwords[world.channel] ?? {};
    ofChannel.studio = "not-the-password";
    const refused = world.encoder("studio").start({ ...world.outputs, ingestPasswords: passwords });
    await expect(refused).rejects.toThrow("refuses this user and password");

    await world.arrange({ studio: {} });
    // Someone in the mobile studio who types what the studio should.
    const sources = structuredClone(world.outputs.ingest.sources);
    const studio = sources[world.channel]?.studio;
    Object.assign(sources[world.channel]?.mobile ?? {}, studio);
    ofChannel.studio = world.outputs.ingestPasswords[world.channel]?.studio ?? "";
    ofChannel.mobile = ofChannel.studio;
    const second = world.encoder("mobile").start({
        ...world.outputs,
        ingest: { ...world.outputs.ingest, sources },
        ingestPasswords: passwords,
    });
    await expect(second).rejects.toThrow("has another encoder on this mount");
    expect(await world.encoder("studio").status()).toMatchObject({ hosts: [{ connected: true }] });
});

it("names what there is when something is asked for that is not", async () => {
    await expect(lab("listen", "nothing")).rejects.toThrow(`there is no channel "nothing"; there are`);
    await expect(lab("source", world.channel, "studio", "dance")).rejects.toThrow(
        `there is no action "dance"`,
    );
    await expect(lab("listen", world.channel, "--region", "mars")).rejects.toThrow(
        `there is no region "mars"`,
    );
});
