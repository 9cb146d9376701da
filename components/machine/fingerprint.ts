import { createHash } from "node:crypto";

import { readsFile, type MachineFile, type MachineRole } from "./role";
import { secretsAskedFor, secretTitle, type SecretGenerations } from "./secrets";

/**
 * What a machine is, in short: enough to tell at the next preview what a change does to it. It holds no secret, and no
 * hash of one: files count with their placeholders, and with the generations of what these ask for.
 */
export interface Fingerprint {
    /** What only a new machine can have: its size, image, and user data (a hash). What waits is not here. */
    droplet: Record<string, string>;
    /** What of these the machine is to have, and gets in the quiet hour. */
    waits: Record<string, string>;
    /** Hash of the list of packages. */
    packages: string;
    /** Hash of all files. */
    files: string;
    /**
     * By unit: hash of the files whose change reloads it, and of those whose change restarts it. One that is named by its
     * template is restarted beside the present one.
     */
    units: Record<string, { reload?: string; restart?: string }>;
    /** Generations of the secrets that its files ask for, by their names. */
    generations: SecretGenerations;
}

/** What a change does to a machine. */
export interface Change {
    kind: "replaced" | "in place" | "none";
    /** Whether something else waits for the quiet hour. */
    waits: boolean;
    /** For a person, for example `in place: reloads aerial-nginx`. */
    words: string;
}

const systemFolder = "/etc/systemd/system/";

/**
 * The fingerprint of a machine that has this role, on a droplet of which only these facts ask for another one.
 *
 * @param generations of secrets; a role's files need not ask for all of them.
 * @param waits facts that the droplet is to have later.
 */
export function fingerprintOf(
    droplet: Record<string, string>,
    role: MachineRole,
    generations: SecretGenerations = {},
    waits: Record<string, string> = {},
): Fingerprint {
    const generationsOf = (files: MachineFile[]) => {
        const { values, files: names } = secretsAskedFor(files.filter((file) => file.secretFormat));
        const known = [...values, ...names.map((name) => `file.${name}`)].sort();
        return Object.fromEntries(
            known.flatMap((name) => (generations[name] ? [[name, generations[name]]] : [])),
        );
    };
    const files = [...role.files].sort((one, other) => (one.path < other.path ? -1 : 1));
    const hashOf = (wanted: (file: MachineFile) => boolean) => {
        const found = files.filter(wanted);
        return hash([found, found.map((file) => generationsOf([file]))]);
    };
    const units: Fingerprint["units"] = {};
    for (const service of role.services) {
        const { unit, onChange } = service;
        const isRead = ({ path }: MachineFile) => readsFile(service, path);
        if (onChange === "reload") {
            units[unit] = { reload: hashOf(isRead), restart: hashOf(makes(unit)) };
        } else if (onChange === "restart") {
            units[unit] = { restart: hashOf((file) => isRead(file) || makes(unit)(file)) };
        }
    }
    for (const timer of role.units.filter((unit) => unit.endsWith(".timer"))) {
        units[timer] ??= { restart: hashOf(makes(timer)) };
    }
    return {
        ...{ droplet, waits, packages: hash(role.packages), files: hashOf(() => true), units },
        generations: generationsOf(files),
    };
}

function hash(value: unknown): string {
    return shortHash(JSON.stringify(value));
}

/** Long enough to tell texts from each other; it protects nothing. */
export function shortHash(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** Whether a file is one of those that make a unit: its own, its template's, or a drop-in. */
function makes(unit: string): (file: MachineFile) => boolean {
    const [, name = unit, kind = ""] = /^([^@]+@).*(\.[^.]+)$/.exec(unit) ?? [];
    const names = name === unit ? [unit] : [unit, `${name}${kind}`];
    return ({ path }) =>
        names.some((one) => path === systemFolder + one || path.startsWith(`${systemFolder}${one}.d/`));
}

/**
 * What becomes of a machine that was `before`.
 *
 * @param waitFor what replacements wait for, such as `05:00 Europe/Berlin`; undefined if they do not wait.
 */
export function describeChange(before: Fingerprint, after: Fingerprint, waitFor?: string): Change {
    const waiting = waitFor === undefined ? undefined : describeWaiting(after, waitFor);
    const waits = waiting !== undefined;
    // While replacements wait, these replace nothing. What differs then, an `up` that failed has already made.
    const facts = waitFor === undefined ? changedFacts(before, after) : [];
    if (facts.length > 0) {
        const told = facts.map((fact) => describeFact(fact, before.droplet[fact], after.droplet[fact]));
        return { kind: "replaced", waits, words: `replaced by a new machine: ${told.join(", ")}` };
    }
    if (before.files === after.files && before.packages === after.packages) {
        return { kind: "none", waits, words: waiting ?? "stays as it is" };
    }
    const told = [
        ...secretWords(before, after),
        ...(before.packages === after.packages ? [] : ["installs packages"]),
        ...unitWords(before, after),
    ];
    const inPlace = `in place: ${told.join(", ") || "nothing is reloaded"}`;
    return { kind: "in place", waits, words: waits ? `${inPlace}; ${waiting}` : inPlace };
}

/** What of a machine waits: `size s-1vcpu-2gb waits for 05:00 Europe/Berlin`. Undefined if nothing does. */
export function describeWaiting({ waits }: Fingerprint, waitFor: string): string | undefined {
    const told = Object.entries(waits).map(([fact, value]) =>
        fact === "userData" ? "another first boot" : `${fact} ${value}`,
    );
    const verb = told.length === 1 ? "waits" : "wait";
    return told.length === 0 ? undefined : `${told.join(" and ")} ${verb} for ${waitFor}`;
}

function changedFacts(before: Fingerprint, after: Fingerprint): string[] {
    return Object.keys(after.droplet).filter((fact) => before.droplet[fact] !== after.droplet[fact]);
}

function describeFact(fact: string, before = "", after = ""): string {
    return fact === "userData" ? "its first boot is another" : `its ${fact} ${before} becomes ${after}`;
}

/** Secrets that are of another generation. What has come or gone is no news of its own: files ask for it. */
function secretWords(before: Fingerprint, after: Fingerprint): string[] {
    const changed = Object.entries(after.generations)
        .filter(
            ([name, numbers]) =>
                before.generations[name] && String(before.generations[name]) !== String(numbers),
        )
        .map(([name]) => secretTitle(name));
    return changed.length > 0 ? [`new ${[...new Set(changed)].join(", ")}`] : [];
}

function unitWords(before: Fingerprint, after: Fingerprint): string[] {
    const units = Object.keys(after.units);
    const does = (unit: string, what: "reload" | "restart") => {
        const [was, is] = [before.units[unit], after.units[unit]];
        return was !== undefined && is !== undefined && was[what] !== is[what];
    };
    const inSlots = units.filter((unit) => unit.includes("@."));
    // They move together.
    const beside = inSlots.some((unit) => does(unit, "restart")) ? inSlots : [];
    const restarts = units.filter((unit) => !inSlots.includes(unit) && does(unit, "restart"));
    // A restart takes what a reload would.
    const reloads = units.filter((unit) => does(unit, "reload") && ![...beside, ...restarts].includes(unit));
    const words: [string, string[], string][] = [
        ["reloads", reloads, ""],
        ["restarts", restarts, ""],
        ["starts", beside, " beside the present ones"],
    ];
    return words
        .filter(([, named]) => named.length > 0)
        .map(([verb, named, how]) => `${verb} ${named.map(nameOf).join(", ")}${how}`);
}

/** `aerial-nginx@.service` runs as several, but is one thing. */
function nameOf(unit: string): string {
    return unit.replace(/@?\.service$/, "");
}
