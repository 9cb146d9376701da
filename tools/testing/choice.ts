/**
 * What to run, and how much of it at once. Plain values in, plain values out.
 */

/** Kinds of tests that want the processor rather than a lab, in the order in which they run. */
export const kindNames = ["checks", "unit", "engine", "templates", "machines"] as const;

export type Kind = (typeof kindNames)[number];

/**
 * Sets of drills that run with no other beside them: they make machines while they listen, each of which takes a
 * processor for itself while it boots. A cloud's machines do not starve each other; those of one workstation do.
 */
export const setsAlone: readonly string[] = ["airtime", "emergency"];

/** Kinds that start machines of their own, which no priority keeps from the drills': they run before those. */
export const kindsBefore: readonly Kind[] = ["templates", "machines"];

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

export interface Host {
    processors: number;
    memoryMiB: number;
}

/** What a station's lab with its drills takes: 1.6 GiB measured, and room for what runs beside it. */
const labMiB = 2500;

/** Labs that a processor can carry: one takes half of it on average, and all of it when its machines boot. */
const labsPerProcessor = 1;

/** How many sets of drills may run side by side without hearing each other. */
export function labsAtOnce({ processors, memoryMiB }: Host): number {
    const byMemory = Math.floor(memoryMiB / labMiB);
    return Math.max(1, Math.min(processors * labsPerProcessor, byMemory));
}
