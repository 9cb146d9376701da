import { stringify } from "yaml";

import type { JsonSchema } from "./schema";

/** One table of the reference: an object of the configuration. */
interface Section {
    /** As in `dns.check`, or `channels[]` for each entry of a list. */
    path: string;
    description?: string;
    object: JsonSchema;
}

const choice = new Intl.ListFormat("en-GB", { type: "disjunction" });

const introduction = `# Configuration

<!-- Made by \`npm run configuration\` from the schema in config/. Change that, and run it again. -->

The file of a stack, \`Pulumi.<stack>.yaml\`, describes the station as one value, \`aerial:station\`.
[\`Pulumi.prod.yaml\`](../Pulumi.prod.yaml) is an example. Its first line names
[\`configuration.schema.json\`](configuration.schema.json), so that an editor with a YAML language server completes keys
and values, and marks mistakes:

\`\`\`yaml
# yaml-language-server: $schema=docs/configuration.schema.json
\`\`\`

The program checks the same and more, such as that no two channels have the same id: \`pulumi preview\` reports all
mistakes before any resource is created.

In the tables, a key whose default is _required_ must be given. A key without a default may be left out. A default of
\`{}\` is that of a section whose keys all have defaults or may be left out.
`;

/** The reference of the configuration in Markdown, from the JSON Schema of `aerial:station`. */
export function configurationReference(station: JsonSchema): string {
    const sections = sectionsOf("", station);
    const parts = sections.map(({ path, description, object }) => {
        const heading = path === "" ? "## The station" : `${"#".repeat(levelOf(path))} \`${path}\``;
        return [heading, description ?? "", keyTable(path, object)].join("\n\n");
    });
    return [introduction, ...parts, ...valueLists(sections)].join("\n\n");
}

/** Sections of the station are of the second level, all that is in them of the third. */
function levelOf(path: string): number {
    return path.includes(".") ? 3 : 2;
}

function sectionsOf(path: string, schema: JsonSchema): Section[] {
    const object = objectIn(schema);
    if (!object) {
        return [];
    }
    const inner = Object.entries(object.properties ?? {}).flatMap(([key, property]) =>
        sectionsOf(pathOf(path, key, property), property),
    );
    return [{ path, description: schema.description, object }, ...inner];
}

function pathOf(parent: string, key: string, property: JsonSchema): string {
    return `${parent === "" ? "" : `${parent}.`}${key}${property.type === "array" ? "[]" : ""}`;
}

/** The object whose keys are described in a section of their own: the value itself, or each entry of a list. */
function objectIn({ properties, items, anyOf, ...rest }: JsonSchema): JsonSchema | undefined {
    if (properties) {
        return { properties, ...rest };
    }
    return items ? objectIn(items) : anyOf?.map(objectIn).find((object) => object !== undefined);
}

function keyTable(path: string, { properties = {}, required = [] }: JsonSchema): string {
    const rows = Object.entries(properties).map(([key, property]) => [
        code(key),
        property.description ?? "",
        typeOf(property, pathOf(path, key, property)),
        required.includes(key) ? "_required_" : valueOrNothing(property.default),
        valueOrNothing(property.examples?.[0]),
    ]);
    return table(["Key", "Meaning", "Type", "Default", "Example"], rows);
}

function typeOf(schema: JsonSchema, path: string): string {
    if (schema.anyOf) {
        return schema.anyOf.map((one) => typeOf(one, path)).join(" or ");
    }
    if (schema.const !== undefined) {
        return value(schema.const);
    }
    if (schema.properties) {
        return link(code(path), path);
    }
    if (schema.items) {
        return `list: ${typeOf(schema.items, path)}`;
    }
    if (typeof schema.additionalProperties === "object") {
        return `by name: ${typeOf(schema.additionalProperties, path)}`;
    }
    if (schema.enum) {
        return isList(schema) ? link(schema.title, schema.title) : choice.format(schema.enum.map(value));
    }
    switch (schema.type) {
        case "boolean":
            return "`true` or `false`";
        case "integer":
            return `whole number (${schema.unit})${rangeOf(schema)}`;
        case "number":
            return `number (${schema.unit})${rangeOf(schema)}`;
        default:
            return "text";
    }
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): string {
    if (minimum !== undefined && maximum !== undefined) {
        return `, ${minimum} to ${maximum}`;
    }
    if (minimum !== undefined) {
        return `, ${minimum} or more`;
    }
    return exclusiveMinimum === undefined ? "" : `, above ${exclusiveMinimum}`;
}

/** An enumeration with a name is a list of its own at the end, since several keys have it. */
function isList(schema: JsonSchema): schema is JsonSchema & { title: string; enum: unknown[] } {
    return schema.title !== undefined && schema.enum !== undefined;
}

function valueLists(sections: readonly Section[]): string[] {
    const lists = new Map<string, string>();
    for (const { object } of sections) {
        for (const property of Object.values(object.properties ?? {})) {
            const schema = property.items ?? property;
            if (isList(schema)) {
                const rows = schema.enum.map((one, index) => [
                    value(one),
                    schema.enumDescriptions?.[index] ?? "",
                ]);
                lists.set(schema.title, `## ${schema.title}\n\n${table(["Value", "What it is"], rows)}`);
            }
        }
    }
    return [...lists.values()];
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
    const line = (cells: readonly string[]) =>
        `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    return [line(headings), line(headings.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A value as one writes it in the stack's file, on one line. */
function value(given: unknown): string {
    const style = { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 } as const;
    return code(stringify(given, style).trim());
}

function valueOrNothing(given: unknown): string {
    return given === undefined ? "" : value(given);
}

function code(text: string): string {
    return `\`${text}\``;
}

/** A link to a heading, whose anchor is made as GitHub makes it. */
function link(text: string, heading: string): string {
    const anchor = heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-");
    return `[${text}](#${anchor})`;
}
