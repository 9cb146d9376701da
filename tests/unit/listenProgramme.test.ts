import { followProgramme, jumpsOf, type Jump } from "../../lab/radio/programme";
import { speechText } from "../../lab/radio/speech";

const rate = 8000;

/** Numbers from -1 to 1, always the same. */
function randomNumbers(seed: number): () => number {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 31 - 1;
    };
}

/** Something like speech: syllables of noise of different strength over a steady tone. */
function programmeOf(seconds: number): Int16Array {
    const next = randomNumbers(1);
    let strength = 0;
    let smooth = 0;
    return Int16Array.from({ length: seconds * rate }, (_, n) => {
        if (n % (rate / 5) === 0) {
            strength = 6000 * Math.abs(next());
        }
        smooth = 0.7 * smooth + 0.3 * next();
        return strength * smooth + 1500 * Math.sin((2 * Math.PI * 1200 * n) / rate);
    });
}

/** A recording of these parts of a programme, from and to in seconds, with the noise of a codec. */
function record(programme: Int16Array, ...parts: [from: number, to: number][]): Int16Array {
    const next = randomNumbers(2);
    return Int16Array.from(
        parts.flatMap(([from, to]) => [
            ...programme.subarray(Math.round(from * rate), Math.round(to * rate)),
        ]),
        (sample) => sample + 100 * next(),
    );
}

const programme = programmeOf(120);

function jumps(recording: Int16Array): Jump[] {
    return jumpsOf(followProgramme(recording, programme, rate));
}

describe("a recording compared with the programme", () => {
    it("is found wherever it begins, and has no jump where nothing was lost", () => {
        const recording = record(programme, [71.234, 101]);
        const places = followProgramme(recording, programme, rate);
        expect(places.length).toBeGreaterThan(50);
        for (const { mediaSeconds, programmeSeconds } of places) {
            expect(Math.abs(programmeSeconds - mediaSeconds - 71.234)).toBeLessThan(0.001);
        }
        expect(jumpsOf(places)).toEqual([]);
    });

    it.each([0.026, 0.1, 0.5, 4.3, 30])("shows %s s that were lost, and where", (lost) => {
        const [jump, ...others] = jumps(record(programme, [10, 30], [30 + lost, 50 + lost]));
        expect(others).toEqual([]);
        expect(Math.abs((jump?.lostSeconds ?? 0) - lost)).toBeLessThan(0.002);
        expect(Math.abs((jump?.mediaSeconds ?? 0) - 20)).toBeLessThan(1);
    });

    it.each([0.026, 0.1, 1.5, 7])("shows %s s that were heard twice, as lost less than nothing", (twice) => {
        const [jump, ...others] = jumps(record(programme, [10, 30], [30 - twice, 50 - twice]));
        expect(others).toEqual([]);
        expect(Math.abs((jump?.lostSeconds ?? 0) + twice)).toBeLessThan(0.002);
    });

    it("goes on behind audio that is not of the programme", () => {
        const other = programmeOf(10).map((_, n) => 5000 * Math.sin((2 * Math.PI * 3000 * n) / rate));
        const recording = Int16Array.from([
            ...record(programme, [10, 30]),
            ...other,
            ...record(programme, [42, 60]),
        ]);
        expect(jumps(recording).map(({ lostSeconds }) => Math.round(lostSeconds * 1000))).toEqual([2000]);
    });

    it("is empty for a recording that is too short or has nothing of it", () => {
        expect(jumps(new Int16Array(100))).toEqual([]);
        expect(jumps(new Int16Array(rate * 10))).toEqual([]);
    });
});

it("speaks the same text for the same source, another for another, and no line of it twice", () => {
    expect(speechText("main studio")).toBe(speechText("main studio"));
    expect(speechText("main studio")).not.toBe(speechText("main mobile"));
    const lines = speechText("main studio").trim().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
});
