/**
 * A quiet pure tone under each source, in Hz, shows which one is heard.
 *
 * The frequencies pass MP3 at 192 kbit/s and AAC at 64 kbit/s unharmed. None is an overtone of another (a limiter's
 * distortion makes overtones) or of the chord in the machines' announcements. `announcement` is under
 * a Master's announcement, `standby` under a Relay's standby audio, and `emergency` under the emergency shows that drills
 * give to the Masters.
 */
export const sourceTones: Readonly<Record<string, number>> = {
    studio: 1200,
    mobile: 1600,
    airtime: 2000,
    announcement: 2600,
    standby: 3000,
    emergency: 3400,
};

/** The detector's sampling rate, in Hz: enough for the highest tone, and cheap. */
export const detectorRate = 8000;

/** What is heard: the name of a tone, `silence`, or `unknown` (sound without a known tone). */
export type Heard = string;

/** A part of the programme from one source. Times are media positions in seconds. */
interface Stretch {
    source: Heard;
    from: number;
}

/** A hole in the audio itself. Times are media positions in seconds. */
interface Silence {
    from: number;
    seconds: number;
}

const hop = detectorRate / 20; // 50 ms
const window = detectorRate / 5; // 200 ms: 5 Hz a bin, far narrower than the distance between tones
const block = detectorRate / 100; // 10 ms, in which silence is measured
const hann = Float64Array.from(
    { length: window },
    (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / window),
);

/**
 * How far a tone stands above the spectrum beside it, as a factor of power. Measured with nine minutes of espeak-ng in
 * six voices: speech alone reaches 20 for at most 5 windows in a row, a tone at -20 dB under that speech stays above 5
 * always and above 20 in 99.7 % of windows.
 */
const prominenceToBegin = 20;
const prominenceToStay = 5;
/** A tone is at least this loud, as amplitude relative to full scale (-46 dB); announcements have it at -20 dB. */
const minAmplitude = 0.005;
/** Sound below this is silence, as amplitude (root mean square) relative to full scale: -50 dB. */
const silenceAmplitude = 0.00316;
/** Where the spectrum beside a tone is measured, in Hz from it: outside the window's main lobe (10 Hz). */
const beside = [-55, -40, -25, 25, 40, 55];

/** How many windows in a row must agree: a vowel of speech is not as steady. */
const hopsToBelieve = { tone: 6, silence: 8, unknown: 20 };
/** Silences shorter than this are not reported, in seconds: a zero crossing of quiet sound is not a hole. */
const shortestSilence = 0.02;
/** Silence in this time comes from the decoder's start and was never in the stream. In seconds. */
const decoderStart = 0.3;

/** Power of one frequency by Goertzel's algorithm: a sine of amplitude A in a Hann window of N samples gives (A·N/4)². */
export function goertzel(samples: Float64Array, frequency: number, rate = detectorRate): number {
    const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
    let s1 = 0;
    let s2 = 0;
    for (const sample of samples) {
        const s0 = sample + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
    }
    return s1 * s1 + s2 * s2 - coefficient * s1 * s2;
}

/** How clearly a tone is present in 200 ms of Hann-weighted samples: its power over the median beside it; 0 if too quiet. */
function prominence(weighted: Float64Array, frequency: number): number {
    const power = goertzel(weighted, frequency);
    const amplitude = (4 * Math.sqrt(power)) / weighted.length;
    if (amplitude < minAmplitude) {
        return 0;
    }
    const others = beside.map((offset) => goertzel(weighted, frequency + offset)).sort((a, b) => a - b);
    const median = ((others[2] ?? 0) + (others[3] ?? 0)) / 2;
    return power / Math.max(median, Number.MIN_VALUE);
}

/**
 * Finds in PCM, as it comes, which source is heard when, and where there is silence.
 *
 * The current source stays while its tone is clear, whatever else sounds. Another follows only when the old tone is not
 * clear and the new one is, for several windows. So no word of speech counts as a switch.
 */
export class ToneDetector {
    /** Parts so far; the last one is heard now. */
    readonly timeline: Stretch[] = [];
    /** Holes in the audio so far; the last one may still grow. */
    readonly silences: Silence[] = [];

    private readonly tones: Map<Heard, number>;
    private readonly recent = new Float64Array(window);
    private readonly weighted = new Float64Array(window);
    private samples = 0;
    private pending: { source: Heard; from: number; hops: number } | undefined;
    private blockEnergy = 0;
    private silentSince: number | undefined;

    constructor(tones: Readonly<Record<string, number>> = sourceTones) {
        this.tones = new Map(Object.entries(tones));
    }

    /** Media position up to which the audio has been judged, in seconds. */
    get position(): number {
        return this.samples / detectorRate;
    }

    /** Takes the next samples: mono, at {@link detectorRate}. */
    push(pcm: Int16Array): void {
        for (const value of pcm) {
            const sample = value / 32768;
            this.recent[this.samples % window] = sample;
            this.samples++;
            this.blockEnergy += sample * sample;
            if (this.samples % block === 0) {
                this.judgeBlock();
            }
            if (this.samples % hop === 0 && this.samples >= window) {
                this.judgeWindow();
            }
        }
    }

    private judgeBlock(): void {
        const silent = this.blockEnergy / block < silenceAmplitude ** 2;
        this.blockEnergy = 0;
        if (!silent) {
            this.silentSince = undefined;
            return;
        }
        const end = this.samples / detectorRate;
        this.silentSince ??= (this.samples - block) / detectorRate;
        const from = this.silentSince;
        const last = this.silences.at(-1);
        if (last?.from === from) {
            last.seconds = end - from;
        } else if (end - from >= shortestSilence && end > decoderStart) {
            this.silences.push({ from, seconds: end - from });
        }
    }

    private judgeWindow(): void {
        let energy = 0;
        for (let n = 0; n < window; n++) {
            const sample = this.recent[(this.samples + n) % window] ?? 0;
            energy += sample * sample;
            this.weighted[n] = sample * (hann[n] ?? 0);
        }
        const isSilent = energy / window < silenceAmplitude ** 2;
        const current = this.timeline.at(-1)?.source;
        const heard = isSilent ? "silence" : this.tone(current);
        if (heard === current) {
            this.pending = undefined;
            return;
        }
        if (this.pending?.source !== heard) {
            // The switch is in the first half of the first window that shows it. The window's middle is rather too late
            // than too early: after a pause, an earlier position would have arrived before the pause.
            const from = this.timeline.length === 0 ? 0 : (this.samples - window / 2) / detectorRate;
            this.pending = { source: heard, from, hops: 0 };
        }
        this.pending.hops++;
        const needed = heard === "silence" || heard === "unknown" ? hopsToBelieve[heard] : hopsToBelieve.tone;
        if (this.pending.hops >= needed) {
            this.timeline.push({ source: heard, from: this.pending.from });
            this.pending = undefined;
        }
    }

    /**
     * The current tone while it is clear; else another one that is clear; else the current one if there is any trace of
     * it; else `unknown`.
     */
    private tone(current: Heard | undefined): Heard {
        const levels = new Map<Heard, number>();
        const level = (name: Heard): number => {
            const frequency = this.tones.get(name);
            if (frequency === undefined) {
                return 0;
            }
            const known = levels.get(name) ?? prominence(this.weighted, frequency);
            levels.set(name, known);
            return known;
        };
        if (current !== undefined && level(current) >= prominenceToBegin) {
            return current;
        }
        const others = [...this.tones.keys()].filter((name) => level(name) >= prominenceToBegin);
        const inQuestion = this.pending?.source;
        if (inQuestion !== undefined && others.includes(inQuestion)) {
            return inQuestion;
        }
        const best = others.sort((a, b) => level(b) - level(a))[0];
        if (best !== undefined) {
            return best;
        }
        return current !== undefined && level(current) >= prominenceToStay ? current : "unknown";
    }
}
