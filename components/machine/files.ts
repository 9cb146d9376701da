import { posix } from "node:path";

import type { TextFormat } from "./escape";
import type { MachineFile } from "./role";
import { readTemplate, renderTemplate } from "./template";

/*
 * The files of a role. Templates are named by their path in `config-templates/`. There a file has the ending of its
 * language; a machine knows programs without one.
 */

/** A file with this text. */
export function textFile(path: string, content: string, mode = "0644"): MachineFile {
    return { path, content, mode };
}

/** A value as JSON. */
export function jsonFile(path: string, value: unknown): MachineFile {
    return textFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** A value as a module for NGINX's scripts: of an object that njs preloads, arrays are not arrays. */
export function scriptValues(path: string, value: unknown): MachineFile {
    return textFile(path, `export default ${JSON.stringify(value, null, 2)};\n`);
}

/** A file as it stands in `config-templates/`. */
export function staticFile(path: string, template: string, mode = "0644"): MachineFile {
    return textFile(path, readTemplate(template), mode);
}

/** A template with its values. @throws when a value is missing, or cannot be written in the format. */
export function templateFile(
    path: string,
    format: TextFormat,
    template: string,
    values: object,
): MachineFile {
    return textFile(path, renderTemplate(format, template, values));
}

/** A unit of systemd under its own name; one that ends in `.eta` is a template. */
export function unit(template: string, values: object = {}): MachineFile {
    const name = posix.basename(template, ".eta");
    const path = `/etc/systemd/system/${name}`;
    return template.endsWith(".eta")
        ? templateFile(path, "unit", template, values)
        : staticFile(path, template);
}

/** Several files of one folder of `config-templates/`. */
export function each<T>(folder: string, names: readonly string[], make: (template: string) => T): T[] {
    return names.map((name) => make(`${folder}/${name}`));
}

/** Where programs of ours are that other programs call, and their modules. */
export const programFolder = "/usr/local/lib/aerial";

/** A program that units and other programs call. */
export function program(template: string): MachineFile {
    return staticFile(`${programFolder}/${nameOf(template)}`, template, "0755");
}

/** A program that an engineer calls, too. */
export function command(template: string): MachineFile {
    return staticFile(`/usr/local/sbin/${nameOf(template)}`, template, "0755");
}

/** A module of our Python programs; `packageName` is its folder below theirs. */
export function pythonModule(template: string, packageName = ""): MachineFile {
    return staticFile(posix.join(programFolder, packageName, posix.basename(template)), template);
}

function nameOf(template: string): string {
    return posix.basename(template, posix.extname(template));
}
