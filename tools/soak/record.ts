import type { UnitUsage } from "../../lab/machines/usage";
import type { SoakRow } from "../bench/results";
import {
    byAge,
    descriptorsLimit,
    isGrowth,
    memoryLimit,
    riseOfSecondHalf,
    type AgeFigure,
    type Sample,
} from "./growth";

/** The units that are watched, and what people call their programs. */
const programs: { unit: RegExp; name: string }[] = [
    { unit: /^aerial-radio@/, name: "Liquidsoap" },
    { unit: /^aerial-icecast(@.)?\.service$/, name: "Icecast" },
    { unit: /^aerial-nginx(@.)?\.service$/, name: "NGINX" },
    { unit: /^aerial-feed\.service$/, name: "feed" },
];

/** Ages of processes in the table of memory by age, in minutes. */
const ages = [1, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 180, 240];

/** In how many equal parts the table divides the time. */
const tableParts = 4;

type Usage = UnitUsage & { minutes: number };

/** What every program of every machine used over the soak. */
export class UsageRecord {
    private readonly series = new Map<string, { machine: string; program: string; usages: Usage[] }>();
    private readonly times: number[] = [];

    /** How often a sample was taken. */
    get samples(): number {
        return this.times.length;
    }

    /** Takes what the machines use now; a machine that is off is not among them. */
    take(minutes: number, machines: ReadonlyMap<string, readonly UnitUsage[]>): void {
        this.times.push(minutes);
        for (const [machine, units] of machines) {
            for (const usage of units) {
                const program = programs.find(({ unit }) => unit.test(usage.unit))?.name;
                if (program !== undefined) {
                    this.of(machine, program, usage.unit).push({ ...usage, minutes });
                }
            }
        }
    }

    /** The moments of the table, in minutes since the beginning. */
    moments(): number[] {
        const end = this.times.at(-1) ?? 0;
        return Array.from({ length: tableParts + 1 }, (_, part) => (end * part) / tableParts);
    }

    /** The table, sorted by program and machine. */
    rows(): SoakRow[] {
        return this.sorted().map(({ machine, program, usages }) => {
            const moments = this.moments();
            const near = moments.map((moment) => this.nearest(usages, moment));
            return {
                machine,
                program,
                memoryMiB: near.map((usage) => usage?.memoryMiB ?? null),
                descriptors: near.map((usage) => usage?.descriptors ?? null),
                processorPercent: moments.map((moment, index) =>
                    index === 0 ? null : processorPercent(usages, moments[index - 1] ?? 0, moment),
                ),
                restarts: restarts(usages),
                memoryRiseMiB: this.rise(usages, "memoryMiB"),
                descriptorsRise: this.rise(usages, "descriptors"),
            };
        });
    }

    /** The memory that a program's processes have at each age, over all machines. */
    memoryByAge(): Record<string, AgeFigure[]> {
        return Object.fromEntries(
            programs.map(({ name }) => {
                const all = [...this.series.values()].filter(({ program }) => program === name);
                return [
                    name,
                    byAge(
                        all.flatMap(({ usages }) => samplesOf(usages, "memoryMiB")),
                        ages,
                    ),
                ];
            }),
        );
    }

    /** What is wrong: growth anywhere, and restarts on machines other than these. */
    complaints(mayRestart: readonly string[]): string[] {
        return this.sorted().flatMap(({ machine, program, usages }) => {
            const memory = this.rise(usages, "memoryMiB");
            const descriptors = this.rise(usages, "descriptors");
            const restarted = mayRestart.includes(machine) ? 0 : restarts(usages);
            return [
                ...(isGrowth(memory, samplesOf(usages, "memoryMiB"), memoryLimit)
                    ? [`${program} of ${machine} grew by ${memory?.toFixed(1)} MiB in the second half`]
                    : []),
                ...(isGrowth(descriptors, samplesOf(usages, "descriptors"), descriptorsLimit)
                    ? [
                          `${program} of ${machine} has ${descriptors?.toFixed(0)} descriptors more after the second half`,
                      ]
                    : []),
                ...(restarted > 0 ? [`${program} of ${machine} was started again ${restarted} times`] : []),
            ];
        });
    }

    private of(machine: string, program: string, unit: string): Usage[] {
        const key = `${machine} ${unit}`;
        const entry = this.series.get(key) ?? { machine, program, usages: [] };
        this.series.set(key, entry);
        return entry.usages;
    }

    private sorted() {
        const order = programs.map(({ name }) => name);
        return [...this.series.values()].sort(
            (a, b) =>
                order.indexOf(a.program) - order.indexOf(b.program) || a.machine.localeCompare(b.machine),
        );
    }

    private rise(usages: readonly Usage[], key: "memoryMiB" | "descriptors"): number | null {
        return riseOfSecondHalf(samplesOf(usages, key), this.times.at(-1) ?? 0);
    }

    /** The sample next to a moment; undefined where the machine was off then. */
    private nearest(usages: readonly Usage[], moment: number): Usage | undefined {
        const distance = ({ minutes }: { minutes: number }): number => Math.abs(minutes - moment);
        const time = [...this.times].sort((a, b) => Math.abs(a - moment) - Math.abs(b - moment))[0];
        return usages.find(({ minutes }) => minutes === time) ?? usages.find((usage) => distance(usage) < 1);
    }
}

function samplesOf(usages: readonly Usage[], key: "memoryMiB" | "descriptors"): Sample[] {
    return usages.map((usage) => ({ minutes: usage.minutes, value: usage[key], process: usage.process }));
}

function restarts(usages: readonly Usage[]): number {
    return usages.filter(({ process }, index) => index > 0 && usages[index - 1]?.process !== process).length;
}

/** Of one processor, between two moments; null where no process was there for two samples. */
function processorPercent(usages: readonly Usage[], from: number, to: number): number | null {
    const within = usages.filter(({ minutes }) => minutes >= from && minutes <= to);
    let [used, seconds] = [0, 0];
    within.slice(1).forEach((usage, index) => {
        const before = within[index];
        if (before?.process === usage.process) {
            used += usage.processorSeconds - before.processorSeconds;
            seconds += (usage.minutes - before.minutes) * 60;
        }
    });
    return seconds === 0 ? null : (100 * used) / seconds;
}
