import { isDeepStrictEqual } from "node:util";

import type { TextFormat } from "./escape";

/** For which format a placeholder's value is escaped. `htpasswd` writes it as Icecast's MD5 of it, `raw` as it is. */
export type SecretFormat = TextFormat | "htpasswd" | "yaml" | "raw";

/** A file that lands on a machine by a delivery. */
export interface MachineFile {
    /** Absolute path. */
    path: string;
    content: string;
    /** Octal permissions, for example `0644`. */
    mode: string;
    /** `user:group`; `root:root` when absent. */
    owner?: string;
    /** Present where the content holds placeholders of secrets: for which format they are escaped. */
    secretFormat?: SecretFormat;
}

/** A unit that runs on a machine, and what a change of its files asks for. */
export interface Service {
    /**
     * For example `aerial-feed.service`. A change of the unit's own file asks for a restart. One that is named by its
     * template, such as `aerial-nginx@.service`, runs in slots: it is restarted in a free slot, beside the present one.
     */
    unit: string;
    /** What it reads when it starts or is reloaded: absolute paths; those of folders end in `/`. */
    reads: string[];
    /** What a change of these asks for; `nothing` for a unit that no change must disturb. */
    onChange: "reload" | "restart" | "nothing";
    /** A command that refuses files that cannot work. It finds the new files in their places before they are there. */
    check?: string[];
    /** Debian's packages of its program: another version of them asks for a restart. */
    packages?: string[];
    /**
     * Of a unit that runs in slots: a command that succeeds once the one in a slot works. The slot is its last argument.
     */
    well?: string[];
}

/** What a role puts on a machine: plain values. Secrets come beside it (`givenSecrets.ts`). */
export interface MachineRole {
    /** Debian packages. */
    packages: string[];
    files: MachineFile[];
    /** systemd units that are enabled, and run; those in slots by the names of their templates. */
    units: string[];
    /** In the order in which they are reloaded or restarted. */
    services: Service[];
    /** Debian's own units that must never run beside ours; masked before packages are installed. */
    maskedUnits: string[];
}

/** Whether a service reads a file. */
export function readsFile({ reads }: Pick<Service, "reads">, path: string): boolean {
    return reads.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));
}

/**
 * One role out of several. A file that several parts need, such as a module of Python, is written once.
 *
 * @throws when two of them write different files to the same path.
 */
export function mergeRoles(...roles: MachineRole[]): MachineRole {
    const files = new Map<string, MachineFile>();
    for (const file of roles.flatMap((role) => role.files)) {
        const present = files.get(file.path);
        if (present && !isDeepStrictEqual(present, file)) {
            throw new Error(`two parts of the role both write ${file.path}, and not the same`);
        }
        files.set(file.path, file);
    }
    return {
        packages: [...new Set(roles.flatMap((role) => role.packages))].sort(),
        files: [...files.values()],
        units: roles.flatMap((role) => role.units),
        services: roles.flatMap((role) => role.services),
        maskedUnits: roles.flatMap((role) => role.maskedUnits),
    };
}
