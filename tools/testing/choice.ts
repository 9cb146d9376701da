/**
 * What to run, and how much of it at once. Plain values in, plain values out.
 */

/** Kinds of tests, in the order in which those run that go one after another. */
export const kindNames = ["checks", "unit", "browser", "engine", "templates", "machines", "sources"] as const;

export type Kind = (typeof kindNames)[number];

/**
 * Kinds that play in real time, or start machines, and wait as drills do: the last ones, so that what computes is done and they
 * have the processors with the drills alone.
 */
export const waitingKinds: readonly Kind[] = ["templates", "machines", "sources"];

/**
 * In which order sets take their place in the lanes: by their length, longest first, so that the lanes end together. A set
 * that is not named here comes first.
 */
const order = ["listeners", "programme", "airtime", "emergency"];

/** Names of sets in the order in which the lanes take them. */
export function inOrder(names: readonly string[]): string[] {
    return names.toSorted((one, other) => order.indexOf(one) - order.indexOf(other));
}

export interface Choice {
    kinds: Kind[];
    /** Names of sets of drills. */
    sets: string[];
}

/** Somebody named a test that does not exist; the message lists those that do. */
export class WrongChoice extends Error {}

export interface Circumstances {
    /** All sets of drills. */
    sets: readonly string[];
    /** The lab that someone has up, and wants the drills to use. */
    ownLab: string | undefined;
}

/**
 * Reads the names of kinds and sets (`unit`, `drills`, `drills/listeners`) on the command line; none are all.
 *
 * @throws WrongChoice
 */
export function choose(names: readonly string[], { sets, ownLab }: Circumstances): Choice {
    const known = new Set<string>([...kindNames, "drills", ...sets.map(nameOfSet)]);
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
        throw new WrongChoice(
            `There are no tests named ${unknown.join(", ")}. There are: ${[...known].join(", ")}.`,
        );
    }
    const asked = (name: string): boolean => names.length === 0 || names.includes(name);
    const choice = {
        kinds: kindNames.filter(asked),
        sets: sets.filter((set) => asked("drills") || asked(nameOfSet(set))),
    };
    if (ownLab !== undefined && choice.sets.length > 1) {
        throw new WrongChoice(
            `The lab in ${ownLab} (AERIAL_LAB) runs one station, and each set of drills needs its own. ` +
                `Name one of ${choice.sets.map(nameOfSet).join(", ")}, or unset AERIAL_LAB.`,
        );
    }
    return choice;
}

/** How a set is named on the command line and in reports. */
export function nameOfSet(set: string): string {
    return `drills/${set}`;
}

export interface Workstation {
    processors: number;
    memoryMiB: number;
}

/** What a station's lab with its drills takes: 1.6 GiB measured, and room for what runs beside it. */
const labMiB = 2500;

/**
 * Labs that a processor can carry: one takes most of it on average, and all of two when its machines boot. More of them side by
 * side end no earlier, and what plays in real time starves.
 */
const labsPerProcessor = 1 / 2;

/** How many sets of drills may run side by side without hearing each other. */
export function labsAtOnce({ processors, memoryMiB }: Workstation): number {
    const byMemory = Math.floor(memoryMiB / labMiB);
    return Math.max(1, Math.min(Math.floor(processors * labsPerProcessor), byMemory));
}
