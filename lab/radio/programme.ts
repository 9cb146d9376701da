/**
 * Finds a listener's recording in the programme that the source played, to measure what was lost or repeated on the way.
 *
 * The source's own file is the reference: it never fails. A few seconds of speech exist in it only once
 * (`speechText`), and their waveform places them to a millisecond.
 */

/** A moment of a recording, and where it is in the programme. */
export interface Place {
    /** Position in the recording, in seconds. */
    mediaSeconds: number;
    /** Position in the programme, in seconds. */
    programmeSeconds: number;
}

/** A place of a recording where the programme does not go on as it should. */
export interface Jump {
    /** Where in the recording, in seconds; between two windows, so to about a second. */
    mediaSeconds: number;
    /** How much of the programme is missing there, in seconds; negative where it was heard twice. */
    lostSeconds: number;
}

/** A recording is compared in windows of this length, this far apart, in seconds. */
const windowSeconds = 3;
const hopSeconds = 0.5;
/** How like the programme a window must be, as a correlation. Measured: 0.79 and more (AAC at 64 kbit/s), 0.99 (MP3); elsewhere up to 0.61. */
const alike = 0.7;
/** By how much its place must be better than any other: a pause between words is like every other pause. */
const distinct = 0.08;
/** Speeds at which a window is looked for: a Master plays 0.3 % slower or faster while it holds too little or too much. */
const speeds = [1, 0.997, 1.003];
/** A window is first looked for this far around the place where it should be, in seconds. */
const nearSeconds = 0.12;
/** Rates at which waveforms and loudness are compared, in Hz. */
const waveRate = 2000;
const loudnessRate = 100;
/** Places, like in loudness, that are compared by waveform when a window is not where it should be. */
const candidates = 8;
/** Differences below this are the measurement's, in seconds. */
const noiseSeconds = 0.004;

/**
 * Follows a recording through a programme. Windows that are not in it (the standby audio, a joint in their middle) are
 * left out.
 *
 * @param rate samples a second of both, a multiple of 2,000.
 */
export function followProgramme(recording: Int16Array, programme: Int16Array, rate: number): Place[] {
    const [heard, played] = [decimate(recording, rate / waveRate), decimate(programme, rate / waveRate)];
    const [heardLoudness, playedLoudness] = [loudness(heard), loudness(played)];
    const length = windowSeconds * waveRate;
    const places: Place[] = [];
    let offset: number | undefined;
    for (let from = 0; from + length <= heard.length; from += hopSeconds * waveRate) {
        const search = (middle: number, reachSeconds: number): Match => {
            const reach = reachSeconds * waveRate;
            let best: Match = { at: middle, score: -1 };
            for (const speed of speeds) {
                const window = atSpeed(heard, from, length, speed);
                const match = bestMatch(window, played, middle - reach, middle + reach);
                best = match.score > best.score ? match : best;
                if (best.score >= alike) {
                    break;
                }
            }
            return best;
        };
        let found = offset === undefined ? undefined : search(from + offset, nearSeconds);
        if (found === undefined || found.score < alike) {
            const step = waveRate / loudnessRate;
            const coarse = heardLoudness.subarray(from / step, (from + length) / step);
            const [best, next] = likeInLoudness(coarse, playedLoudness)
                .map((place) => search(place * step, 3 / loudnessRate))
                .sort((a, b) => b.score - a.score);
            const isOnlyOne = best !== undefined && best.score - (next?.score ?? 0) > distinct;
            found = isOnlyOne ? best : undefined;
        }
        if (found !== undefined && found.score >= alike) {
            offset = found.at - from;
            places.push({ mediaSeconds: from / waveRate, programmeSeconds: found.at / waveRate });
        }
    }
    return places;
}

/** How many windows of a recording are looked for. */
export function windowsIn(recording: Int16Array, rate: number): number {
    return Math.max(0, Math.floor((recording.length / rate - windowSeconds) / hopSeconds) + 1);
}

/** Where a followed recording leaves the programme's pace: after every jump, at least two windows agree. */
export function jumpsOf(places: readonly Place[]): Jump[] {
    const steady = places.filter((place, index) =>
        [places[index - 1], places[index + 1]].some(
            (other) => other !== undefined && Math.abs(lag(other) - lag(place)) < noiseSeconds,
        ),
    );
    return steady.flatMap((place, index) => {
        const before = steady[index - 1];
        const lostSeconds = before === undefined ? 0 : lag(place) - lag(before);
        return before === undefined || Math.abs(lostSeconds) < noiseSeconds
            ? []
            : [{ mediaSeconds: (before.mediaSeconds + windowSeconds + place.mediaSeconds) / 2, lostSeconds }];
    });
}

const lag = ({ mediaSeconds, programmeSeconds }: Place): number => programmeSeconds - mediaSeconds;

/** A window of a recording as it was before somebody played it at a speed; its middle stays where it is. */
function atSpeed(heard: Float32Array, from: number, length: number, speed: number): Float32Array {
    if (speed === 1) {
        return heard.subarray(from, from + length);
    }
    const middle = from + length / 2;
    return Float32Array.from({ length }, (_, n) => {
        const at = middle + (n - length / 2) / speed;
        const before = Math.floor(at);
        const [left = 0, right = 0] = [heard[before], heard[before + 1]];
        return left + (right - left) * (at - before);
    });
}

interface Match {
    /** Index in the programme. */
    at: number;
    score: number;
}

/** The best of the places from..to at which a window is like the programme, by normalised correlation. */
function bestMatch(window: Float32Array, played: Float32Array, from: number, to: number): Match {
    let best: Match = { at: from, score: -1 };
    const last = Math.min(to, played.length - window.length);
    const power = energy(window, 0, window.length);
    for (let at = Math.max(0, Math.round(from)); at <= last; at++) {
        let product = 0;
        let other = 0;
        for (let n = 0; n < window.length; n++) {
            const sample = played[at + n] ?? 0;
            product += (window[n] ?? 0) * sample;
            other += sample * sample;
        }
        const score = product / Math.sqrt(power * other + Number.MIN_VALUE);
        if (score > best.score) {
            best = { at, score };
        }
    }
    return best;
}

/** The places of the programme whose loudness is most like a window's, none beside a better one. */
function likeInLoudness(window: Float32Array, played: Float32Array): number[] {
    const mean = window.reduce((sum, value) => sum + value, 0) / window.length;
    const centred = window.map((value) => value - mean);
    const scores = new Float32Array(Math.max(0, played.length - window.length + 1));
    let sum = 0;
    let squares = 0;
    for (let n = 0; n < window.length; n++) {
        sum += played[n] ?? 0;
        squares += (played[n] ?? 0) ** 2;
    }
    for (let at = 0; at < scores.length; at++) {
        let product = 0;
        for (let n = 0; n < centred.length; n++) {
            product += (centred[n] ?? 0) * (played[at + n] ?? 0);
        }
        const variance = Math.max(squares - (sum * sum) / window.length, 0);
        scores[at] = product / Math.sqrt(variance + 1e-9);
        const [leaves, comes] = [played[at] ?? 0, played[at + window.length] ?? 0];
        sum += comes - leaves;
        squares += comes ** 2 - leaves ** 2;
    }
    return Array.from({ length: Math.min(candidates, scores.length) }, () => {
        const best = scores.reduce((top, score, at) => (score > (scores[top] ?? 0) ? at : top), 0);
        scores.fill(-Infinity, Math.max(0, best - 10), best + 11);
        return best;
    });
}

/**
 * One sample for every `factor`, each the mean of twice as many. Means of `factor` let so much of AAC's noise above 1 kHz
 * through that its correlation with the programme fell from 0.8 to 0.55.
 */
function decimate(samples: Int16Array, factor: number): Float32Array {
    const width = 2 * factor;
    const result = new Float32Array(Math.max(0, Math.floor((samples.length - width) / factor) + 1));
    for (let n = 0; n < result.length; n++) {
        let sum = 0;
        for (let k = 0; k < width; k++) {
            sum += samples[n * factor + k] ?? 0;
        }
        result[n] = sum / width / 32768;
    }
    return result;
}

/** The logarithm of the loudness, which a quiet word moves as much as a loud one. */
function loudness(samples: Float32Array): Float32Array {
    const block = waveRate / loudnessRate;
    return Float32Array.from({ length: Math.floor(samples.length / block) }, (_, n) =>
        Math.log(1e-6 + energy(samples, n * block, (n + 1) * block) / block),
    );
}

function energy(samples: Float32Array, from: number, to: number): number {
    let sum = 0;
    for (let n = from; n < to; n++) {
        sum += (samples[n] ?? 0) ** 2;
    }
    return sum;
}
