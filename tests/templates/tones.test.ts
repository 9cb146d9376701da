import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureImage, imageCommand, inImage } from "../../lab/machines/image";
import { checkout } from "../../lab/paths";
import { Decoder, decoderArguments } from "../../lab/radio/decoder";
import { FrameCutter, type Codec } from "../../lab/radio/frames";
import { sourceTones } from "../../lab/radio/tones";

/*
 * The listener's ear against real voices and real encoders: the announcements that machines and sources make, in the
 * formats that listeners get, torn in mid-frame as Icecast tears them.
 */

let folder: string;
const bitrates: Record<Codec, string> = { mp3: "192k", aac: "64k" };

beforeAll(async () => {
    await ensureImage();
    folder = mkdtempSync(join(tmpdir(), "aerial-tones-"));
    const announcer = join(checkout, "config-templates/machine/announcement/aerial-announcement.sh");
    const script = Object.entries(sourceTones).map(([name, hertz]) => {
        writeFileSync(
            join(folder, `${name}.txt`),
            `This is the ${name}. Whatever happens, you hear the ${name}.\n`,
        );
        const encode = Object.entries(bitrates).map(
            ([codec, bitrate]) =>
                `ffmpeg -nostdin -v error -y -i /work/${name}.wav -b:a ${bitrate} ` +
                `-f ${codec === "mp3" ? "mp3 -write_xing 0 -id3v2_version 0" : "adts"} /work/${name}.${codec}`,
        );
        return [`sh /announcer /work/${name}.txt ${hertz} /work/${name}.wav`, ...encode].join("\n");
    });
    await inImage(["sh", "-euc", script.join("\n")], {
        binds: [
            { source: folder, target: "/work", writable: true },
            { source: announcer, target: "/announcer" },
        ],
    });
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Plays pieces of a stream to a listener's ear, and tells where in the whole each piece began. */
async function listenTo(codec: Codec, pieces: Buffer[]) {
    const cutter = new FrameCutter(codec);
    const decoder = new Decoder(imageCommand(decoderArguments(codec)));
    const starts: number[] = [];
    for (const [index, piece] of pieces.entries()) {
        starts.push(cutter.seconds);
        const frames = cutter.push(piece);
        decoder.push(frames.data, cutter.seconds, index * 1000);
    }
    await decoder.end();
    return { cutter, decoder, starts };
}

describe.each(["mp3", "aac"] as const)("in %s", (codec) => {
    const encoded = (name: string): Buffer => readFileSync(join(folder, `${name}.${codec}`));

    it.each(Object.keys(sourceTones))("knows the %s by its voice's tone", async (name) => {
        const { decoder } = await listenTo(codec, [encoded(name)]);
        expect(decoder.timeline().map(({ source }) => source)).toEqual([name]);
        expect(decoder.silences()).toEqual([]);
    });

    it("follows twenty switches in mid-frame, places each, and hears no hole", async () => {
        const names = Object.keys(sourceTones);
        const pieces = Array.from({ length: 20 }, (_, index) => {
            const audio = encoded(names[index % names.length] ?? "");
            // Two seconds and a bit, from somewhere in the stream to somewhere in a frame.
            const from = 9_973 + index * 311;
            return audio.subarray(from, from + (codec === "mp3" ? 48_000 : 16_000) + index * 37);
        });
        const { cutter, decoder, starts } = await listenTo(codec, pieces);
        const timeline = decoder.timeline();
        expect(timeline.map(({ source }) => source)).toEqual(
            pieces.map((_, index) => names[index % names.length]),
        );
        // Also behind nineteen joints: positions do not drift.
        const errors = timeline.map(({ mediaSeconds }, index) => mediaSeconds - (starts[index] ?? 0));
        expect(errors.filter((error) => Math.abs(error) > 0.15)).toEqual([]);
        expect(cutter.joints).toBe(19);
        expect(
            Math.max(0, ...decoder.silences().map(({ milliseconds }) => milliseconds)),
        ).toBeLessThanOrEqual(50);
    });
});
