import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Eta } from "eta";

import { escapeFor, type TextFormat } from "./escape";

const templateFolder = join(__dirname, "../..", "config-templates");

const engines = new Map<TextFormat, Eta>();

function engineFor(format: TextFormat): Eta {
    let engine = engines.get(format);
    if (!engine) {
        engine = new Eta({ autoEscape: true, escapeFunction: escapeFor(format), autoTrim: [false, "nl"] });
        engines.set(format, engine);
    }
    return engine;
}

/**
 * Renders a template of `config-templates/`. Templates are Eta (`<%= it.value %>`); each value is escaped for the
 * format of the file, so a value can never end a string, an element or a line.
 *
 * @throws when a value is missing, or cannot be written in that format; the message names the template.
 */
export function renderTemplate(format: TextFormat, path: string, values: object): string {
    try {
        return engineFor(format).renderString(readTemplate(path), values);
    } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`config-templates/${path}: ${reason}`, { cause: error });
    }
}

/** The text of a file of `config-templates/` that lands on machines as it is. */
export function readTemplate(path: string): string {
    return readFileSync(join(templateFolder, path), "utf8");
}
