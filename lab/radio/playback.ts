/** A time in which a player had nothing to play. */
export interface Gap {
    /** Clock time at which the buffer ran empty, in milliseconds since 1970. */
    at: number;
    seconds: number;
}

/**
 * A player's buffer: arriving audio fills it, playing empties it in real time. Times are milliseconds of one clock.
 */
export class Playback {
    /** Every stretch with an empty buffer after playing began; the last may still grow. */
    readonly gaps: Gap[] = [];
    /** Audio in the buffer, in seconds. */
    level = 0;
    /** Lowest level since the buffer had filled at the beginning, in seconds. */
    lowest: number | undefined;
    /** Level when the buffer had filled at the beginning: the server's burst. In seconds. */
    filled: number | undefined;
    /** Seconds of audio played. */
    played = 0;

    /** Levels of the last second after each arrival, the newest last. */
    private crests: { at: number; level: number }[] = [];
    private last: number | undefined;
    private firstArrival: number | undefined;
    private playing = false;

    /**
     * @param prebufferSeconds audio that must have arrived before playing begins, and again after a gap.
     * @param settleSeconds time after the first byte in which the burst arrives; the lowest level counts from then.
     */
    constructor(
        private readonly prebufferSeconds: number,
        private readonly settleSeconds = 1,
    ) {}

    /** Total time with an empty buffer, in seconds. */
    get gapSeconds(): number {
        return this.gaps.reduce((sum, gap) => sum + gap.seconds, 0);
    }

    /** Time for which the buffer has been empty now, in seconds; 0 while there is something to play. */
    get emptySeconds(): number {
        return this.firstArrival === undefined || this.playing ? 0 : (this.gaps.at(-1)?.seconds ?? 0);
    }

    /**
     * Highest level within the last second: what the buffer holds, whatever the rhythm in which audio comes. AAC at 64
     * kbit/s comes in lumps of 0.2 s and more, and the level is lower by one just before it comes.
     */
    get crest(): number {
        return Math.max(this.level, ...this.crests.map(({ level }) => level));
    }

    /** Audio arrives. */
    arrive(now: number, seconds: number): void {
        this.advance(now);
        this.firstArrival ??= now;
        this.level += seconds;
        this.crests.push({ at: now, level: this.level });
        this.playing ||= this.level > 0 && this.level >= this.prebufferSeconds;
    }

    /** Time passes. */
    advance(now: number): void {
        const passed = this.last === undefined ? 0 : Math.max(0, now - this.last) / 1000;
        this.last = now;
        this.crests = this.crests.filter(({ at }) => at > now - 1000);
        if (this.playing) {
            const out = Math.min(this.level, passed);
            this.level -= out;
            this.played += out;
            if (passed > out) {
                this.playing = false;
                this.gaps.push({ at: now - (passed - out) * 1000, seconds: passed - out });
            }
        } else {
            const gap = this.gaps.at(-1);
            if (gap) {
                gap.seconds += passed;
            }
        }
        if (this.firstArrival !== undefined && now - this.firstArrival >= this.settleSeconds * 1000) {
            this.filled ??= this.level;
            this.lowest = Math.min(this.lowest ?? this.level, this.level);
        }
    }
}
