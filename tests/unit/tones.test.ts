import { detectorRate, goertzel, sourceTones, ToneDetector } from "../../lab/radio/tones";

/** Repeatable noise, so that a failure is one again. */
function random(seed: number): () => number {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
}

type Sound = (seconds: number) => number;

const tone =
    (frequency: number, amplitude = 0.1): Sound =>
    (t) =>
        amplitude * Math.sin(2 * Math.PI * frequency * t);

/**
 * Vowels: pulses of gliding pitch through two formants, many of them near our tones, up to seven times as loud as a
 * tone. Speech leaves the tones' frequencies sooner.
 */
function vowels(seed: number): Sound {
    const next = random(seed);
    const length = 0.18;
    const syllables = Array.from({ length: 200 }, () => {
        const pitch = 100 + 160 * next();
        const formants = [300 + 600 * next(), 900 + 2300 * next()];
        const partials = Array.from({ length: Math.floor(3500 / pitch) }, (_, k) => ({
            k: k + 1,
            weight: Math.max(
                ...formants.map((formant) => 1 / (1 + (((k + 1) * pitch - formant) / 120) ** 2)),
            ),
        })).filter(({ weight }) => weight > 0.15);
        const total = partials.reduce((sum, { weight }) => sum + weight, 0);
        return {
            pitch,
            glide: (next() < 0.5 ? -1 : 1) * (60 + 90 * next()),
            partials,
            loudness: 0.7 / total,
        };
    });
    return (t) => {
        const { pitch, glide, partials, loudness } = syllables[Math.floor(t / length) % syllables.length]!;
        const within = t % length;
        const phase = 2 * Math.PI * (pitch + glide * within) * within;
        const sum = partials.reduce((value, { k, weight }) => value + weight * Math.sin(k * phase), 0);
        return loudness * sum * Math.sin((Math.PI * within) / length);
    };
}

function render(seconds: number, ...sounds: Sound[]): Int16Array {
    return Int16Array.from({ length: Math.round(seconds * detectorRate) }, (_, n) => {
        const value = sounds.reduce((sum, sound) => sum + sound(n / detectorRate), 0);
        return Math.round(32767 * Math.max(-1, Math.min(1, value)));
    });
}

function detect(...parts: Int16Array[]): ToneDetector {
    const detector = new ToneDetector();
    for (const part of parts) {
        // In pieces of an odd size, as a pipe gives them.
        for (let at = 0; at < part.length; at += 333) {
            detector.push(part.subarray(at, at + 333));
        }
    }
    return detector;
}

const heard = (detector: ToneDetector): string[] => detector.timeline.map(({ source }) => source);

describe("goertzel", () => {
    it("measures a sine's power and next to nothing elsewhere", () => {
        const samples = Float64Array.from(
            { length: 1600 },
            (_, n) => 0.5 * Math.sin((2 * Math.PI * 1200 * n) / 8000),
        );
        expect((2 * Math.sqrt(goertzel(samples, 1200))) / 1600).toBeCloseTo(0.5, 3);
        expect((2 * Math.sqrt(goertzel(samples, 1300))) / 1600).toBeLessThan(0.001);
    });
});

describe("ToneDetector", () => {
    it.each(Object.entries(sourceTones))("knows %s by %i Hz alone", (name, frequency) => {
        expect(heard(detect(render(2, tone(frequency))))).toEqual([name]);
    });

    it.each(Object.entries(sourceTones))(
        "knows %s under loud speech for ten seconds, without a slip",
        (name, hz) => {
            expect(heard(detect(render(10, tone(hz), vowels(hz))))).toEqual([name]);
        },
    );

    it("takes no speech for a source", () => {
        expect(heard(detect(render(10, vowels(7))))).toEqual(["unknown"]);
    });

    it("takes noise for no source", () => {
        const next = random(1);
        expect(heard(detect(render(20, () => next() - 0.5)))).toEqual(["unknown"]);
    });

    it("places a switch within 0.25 s, also under speech", () => {
        const names = Object.keys(sourceTones);
        for (const [index, name] of names.entries()) {
            const other = names[(index + 1) % names.length] ?? "";
            const before = render(3, tone(sourceTones[name] ?? 0), vowels(index + 1));
            const after = render(3, tone(sourceTones[other] ?? 0), vowels(index + 9));
            const { timeline } = detect(before, after);
            expect(timeline.map(({ source }) => source)).toEqual([name, other]);
            expect(Math.abs((timeline[1]?.from ?? 0) - 3)).toBeLessThan(0.25);
        }
    });

    it("hears a source that was on for half a second only", () => {
        const detector = detect(render(2, tone(1200)), render(0.5, tone(2600)), render(2, tone(1200)));
        expect(heard(detector)).toEqual(["studio", "announcement", "studio"]);
    });

    it("measures silence within 20 ms, and says so in the timeline when it lasts", () => {
        const detector = detect(
            render(2, tone(1200)),
            render(0.06, () => 0),
            render(2, tone(1200)),
            render(3, () => 0),
            render(1, tone(1600)),
        );
        expect(heard(detector)).toEqual(["studio", "silence", "mobile"]);
        expect(detector.silences).toHaveLength(2);
        expect(detector.silences[0]?.seconds).toBeCloseTo(0.06, 1);
        expect(detector.silences[0]?.from).toBeCloseTo(2, 1);
        expect(Math.abs((detector.silences[1]?.seconds ?? 0) - 3)).toBeLessThan(0.03);
    });

    it("takes a quiet programme for sound", () => {
        expect(detect(render(5, tone(1200, 0.01))).silences).toEqual([]);
    });

    it("knows tones it is given", () => {
        const detector = new ToneDetector({ "tone-1234": 1234 });
        detector.push(render(2, tone(1234)));
        expect(heard(detector)).toEqual(["tone-1234"]);
    });
});
