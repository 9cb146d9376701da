import { median } from "../bench/figures";

/** One figure of a program at a moment. */
export interface Sample {
    /** Since the beginning. */
    minutes: number;
    value: number;
    /** Another number means that the program was started again. */
    process: number;
}

/**
 * A program takes what it needs in its first minutes: that is no growth. Liquidsoap needs the longest; the table of memory
 * by age shows it.
 */
export const warmUpMinutes = 20;
/** A shorter half tells nothing: programs still settle. */
const shortestHalfMinutes = 10;
/** Fewer pairs of samples than this tell nothing. */
const fewestPairs = 10;

/**
 * By how much a figure rises over the second half of a soak: the median slope of all pairs of samples of one process
 * that are at least a quarter of that half apart (Theil and Sen; a few outliers do not count), times its length.
 *
 * @returns null where the soak or every process was too short to tell.
 */
export function riseOfSecondHalf(samples: readonly Sample[], minutes: number): number | null {
    const half = minutes / 2;
    if (half < shortestHalfMinutes) {
        return null;
    }
    const born = births(samples);
    const counted = samples.filter(
        ({ minutes: at, process }) => at >= half && at - (born.get(process) ?? 0) >= warmUpMinutes,
    );
    const slopes = counted.flatMap((first, index) =>
        counted
            .slice(index + 1)
            .filter(
                (second) => second.process === first.process && second.minutes - first.minutes >= half / 4,
            )
            .map((second) => (second.value - first.value) / (second.minutes - first.minutes)),
    );
    return slopes.length < fewestPairs ? null : median(slopes) * half;
}

/** A figure of processes at an age. */
export interface AgeFigure {
    /** Minutes. */
    age: number;
    /** The median. */
    value: number;
    /** How many processes were as old. */
    processes: number;
}

/** How far from an age, in minutes, a sample counts for it. */
const ageTolerance = 1;

/** The median of a figure at each of these ages at which there was a process, over all processes. */
export function byAge(samples: readonly Sample[], ages: readonly number[]): AgeFigure[] {
    const born = births(samples);
    return ages.flatMap((age) => {
        const near = samples.filter(
            ({ minutes, process }) => Math.abs(minutes - (born.get(process) ?? 0) - age) <= ageTolerance,
        );
        const processes = new Set(near.map(({ process }) => process)).size;
        return processes === 0 ? [] : [{ age, value: median(near.map(({ value }) => value)), processes }];
    });
}

/** When each process was seen first. */
function births(samples: readonly Sample[]): Map<number, number> {
    const born = new Map<number, number>();
    for (const { process, minutes } of samples) {
        born.set(process, Math.min(born.get(process) ?? Infinity, minutes));
    }
    return born;
}

/** What counts as growth: a rise above both. */
export interface GrowthLimit {
    /** Of the figure's median. */
    share: number;
    floor: number;
}

/** Pools of memory settle within this; a leak that matters passes it in half an hour. */
export const memoryLimit: GrowthLimit = { share: 0.05, floor: 4 };
/** Connections come and go with Masters and sources: six more or fewer are normal on a Master's Icecast. */
export const descriptorsLimit: GrowthLimit = { share: 0.2, floor: 8 };

/** Whether a rise of the second half is growth. */
export function isGrowth(
    rise: number | null,
    samples: readonly Sample[],
    { share, floor }: GrowthLimit,
): boolean {
    return rise !== null && rise > floor && rise > share * median(samples.map(({ value }) => value));
}
