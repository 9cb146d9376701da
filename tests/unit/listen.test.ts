import { FrameCutter } from "../../lab/radio/frames";
import { Playback } from "../../lab/radio/playback";

/** An MP3 frame at 192 kbit/s and 44.1 kHz, whose content is nothing that looks like a header. */
function mp3Frame(padded = 0): Buffer {
    const frame = Buffer.alloc(626 + padded, 0x55);
    frame.set([0xff, 0xfb, 0xb0 | (padded << 1), 0x40]);
    return frame;
}

function aacFrame(bytes: number): Buffer {
    const frame = Buffer.alloc(bytes, 0x55);
    frame.set([0xff, 0xf1, 0x50, 0x80 | (bytes >> 11), (bytes >> 3) & 0xff, ((bytes & 7) << 5) | 0x1f, 0xfc]);
    return frame;
}

function cut(cutter: FrameCutter, data: Buffer, piece = 1400): Buffer {
    const out: Buffer[] = [];
    for (let at = 0; at < data.length; at += piece) {
        out.push(cutter.push(data.subarray(at, at + piece)).data);
    }
    return Buffer.concat(out);
}

describe("FrameCutter", () => {
    const streams = {
        mp3: Buffer.concat(Array.from({ length: 100 }, (_, n) => mp3Frame(n % 2))),
        aac: Buffer.concat(Array.from({ length: 100 }, (_, n) => aacFrame(150 + (n % 60)))),
    };
    const lengths = { mp3: 1152 / 44100, aac: 1024 / 44100 };

    it.each(["mp3", "aac"] as const)("counts %s frames exactly, however the bytes come", (codec) => {
        for (const piece of [1, 7, 1400, 100_000]) {
            const cutter = new FrameCutter(codec);
            const out = cut(cutter, streams[codec], piece);
            // The last frame waits for its successor.
            expect(cutter.seconds).toBeCloseTo(99 * lengths[codec], 6);
            expect(streams[codec].subarray(0, out.length).equals(out)).toBe(true);
            expect([cutter.skippedBytes, cutter.joints]).toEqual([0, 0]);
        }
    });

    it.each(["mp3", "aac"] as const)("skips what is torn at a joint of %s, and nothing else", (codec) => {
        const cutter = new FrameCutter(codec);
        const first = streams[codec].subarray(0, 10_000);
        const second = streams[codec].subarray(300, 10_000);
        cut(cutter, Buffer.concat([first, second]));
        const torn = cutter.skippedBytes;
        expect(cutter.joints).toBe(1);
        expect(torn).toBeGreaterThan(0);
        expect(torn).toBeLessThan(2 * 627);
    });

    it("follows a stream of another kind behind a joint", () => {
        const mono = Buffer.concat(
            Array.from({ length: 20 }, () => {
                const frame = aacFrame(200);
                frame[3] = ((frame[3] ?? 0) & 0x3f) | 0x40;
                return frame;
            }),
        );
        const cutter = new FrameCutter("aac");
        cut(cutter, Buffer.concat([streams.aac.subarray(0, 5_070), mono]));
        expect(cutter.seconds).toBeGreaterThan((18 + 25) * lengths.aac);
    });

    it("throws the torn end of a connection away", () => {
        const cutter = new FrameCutter("mp3");
        cutter.push(streams.mp3.subarray(0, 1000));
        cutter.restart();
        expect(cut(cutter, streams.mp3.subarray(0, 3 * 626 + 1)).subarray(0, 4)).toEqual(
            mp3Frame().subarray(0, 4),
        );
        expect(cutter.joints).toBe(0);
    });
});

describe("Playback", () => {
    /** Audio of 0.1 s every 100 ms from `from` to `to`, in milliseconds. */
    function stream(playback: Playback, from: number, to: number): void {
        for (let now = from; now < to; now += 100) {
            playback.arrive(now, 0.1);
        }
    }

    it("plays a burst and holds its level", () => {
        const playback = new Playback(0.5);
        playback.arrive(0, 8);
        stream(playback, 100, 20_000);
        expect(playback.filled).toBeCloseTo(7.9, 3);
        expect(playback.lowest).toBeCloseTo(7.9, 3);
        expect([playback.gapSeconds, playback.emptySeconds]).toEqual([0, 0]);
    });

    it("lives through a pause that is shorter than the burst, and knows how low it came", () => {
        const playback = new Playback(0.5);
        playback.arrive(0, 8);
        stream(playback, 100, 5_000);
        playback.advance(7_000);
        stream(playback, 10_000, 12_000);
        expect(playback.gapSeconds).toBe(0);
        expect(playback.lowest).toBeCloseTo(2.9, 1);
    });

    it("has a crest that lumps do not change, and a lost second does", () => {
        const playback = new Playback(0.5);
        playback.arrive(0, 8);
        for (let now = 200; now < 10_000; now += 200) {
            playback.arrive(now, 0.2);
            playback.advance(now + 190);
            expect(playback.crest).toBeCloseTo(8, 6);
        }
        playback.advance(12_000);
        stream(playback, 12_000, 15_000);
        expect(playback.crest).toBeCloseTo(playback.level + 0.1, 0);
        expect(playback.crest).toBeLessThan(6.5);
    });

    it("counts the time without audio, and plays on only with a prebuffer", () => {
        const playback = new Playback(0.5);
        playback.arrive(0, 2);
        playback.advance(3_000);
        expect(playback.emptySeconds).toBeCloseTo(1, 6);
        playback.arrive(4_000, 0.4);
        expect(playback.emptySeconds).toBeCloseTo(2, 6);
        playback.arrive(4_100, 0.4);
        expect(playback.emptySeconds).toBe(0);
        expect(playback.gaps).toHaveLength(1);
        expect(playback.gaps[0]?.at).toBe(2_000);
        expect(playback.gapSeconds).toBeCloseTo(2.1, 6);
        expect(playback.lowest).toBe(0);
    });

    it("knows no gap before the first byte", () => {
        const playback = new Playback(0.5);
        playback.advance(0);
        playback.advance(60_000);
        expect(playback.gaps).toEqual([]);
        expect(playback.lowest).toBeUndefined();
    });
});
