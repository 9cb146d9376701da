import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import Ajv from "ajv";
import { parse, parseDocument } from "yaml";

import { checkout } from "../../lab/paths";
import { configurationFiles } from "../../tools/configuration/files";
import { stackFileSchema, stationJsonSchema, type JsonSchema } from "../../tools/configuration/schema";

/* The reference of the configuration: docs/configuration.md for people, the JSON Schema for editors. */

const read = (path: string): string => readFileSync(join(checkout, path), "utf8");

test("the reference and the JSON Schema are those of the schema in config/", async () => {
    const stale = (await configurationFiles()).filter(({ path, text }) => read(path) !== text);
    expect(stale.map(({ path }) => `${path} is not current: run \`npm run configuration\``)).toEqual([]);
});

/** Every key below a schema, with its path. */
function keysOf(schema: JsonSchema, path = ""): [path: string, property: JsonSchema][] {
    const inner = Object.entries(schema.properties ?? {}).flatMap(
        ([key, property]): [string, JsonSchema][] => [
            [`${path}.${key}`, property],
            ...keysOf(property, `${path}.${key}`),
        ],
    );
    const forms = [...(schema.items ? [schema.items] : []), ...(schema.anyOf ?? [])];
    return [...inner, ...forms.flatMap((form) => keysOf(form, path))];
}

const keys = keysOf(stationJsonSchema());
const hasKeys = (schema: JsonSchema): boolean => keysOf(schema).length > 0;

/** Paths of the keys for which this does not hold. */
const without = (holds: (property: JsonSchema) => boolean): string[] =>
    keys.filter(([, property]) => !holds(property)).map(([path]) => path);

describe("every key of the configuration", () => {
    it("is found, also in lists and in forms that a value may take", () => {
        const paths = keys.map(([path]) => path);
        expect(paths).toEqual(
            expect.arrayContaining([".channels.formats.codec", ".backup.showClasses.afterDays"]),
        );
        expect(paths.length).toBeGreaterThan(70);
    });

    it("has a description", () => {
        expect(without(({ description }) => description?.endsWith(".") === true)).toEqual([]);
    });

    it("has an example, unless it is a section", () => {
        expect(without((property) => hasKeys(property) || property.examples !== undefined)).toEqual([]);
    });

    it("has a unit if it is a number", () => {
        const isNumber = ({ type }: JsonSchema) => type === "integer" || type === "number";
        expect(without((property) => !isNumber(property) || Boolean(property.unit))).toEqual([]);
    });

    it("accepts its own examples and its default", () => {
        const fits = (property: JsonSchema) => {
            const validate = new Ajv().compile(property);
            return [...(property.examples ?? []), ...("default" in property ? [property.default] : [])].every(
                (value) => validate(value) === true,
            );
        };
        expect(without(fits)).toEqual([]);
    });

    it("has a pattern that reads the same with and without Unicode's rules", () => {
        const patterns = keys.flatMap(([, { pattern, items }]) => [pattern, items?.pattern]);
        const texts = patterns.filter((pattern) => typeof pattern === "string");
        expect(texts.length).toBeGreaterThan(10);
        for (const pattern of texts) {
            expect(() => new RegExp(pattern, "u")).not.toThrow();
            expect(pattern).not.toContain("\\p{");
        }
    });
});

const validator = new Ajv({ allErrors: true, jsonPointers: true }).compile(stackFileSchema());

/** What a JSON Schema validator says of a stack's file: the path of each mistake, and the mistake. */
function mistakes(file: unknown): string[] {
    validator(file);
    return (validator.errors ?? []).map(({ dataPath, message, params }) => {
        const key = "additionalProperty" in params ? `: ${params.additionalProperty}` : "";
        return `${dataPath} ${message}${key}`;
    });
}

const stackFiles = readdirSync(checkout).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
const drillStations = readdirSync(join(checkout, "tests/drills"))
    .map((set) => `tests/drills/${set}/station.yaml`)
    .filter((path) => existsSync(join(checkout, path)));

const examples = readdirSync(join(checkout, "docs/stations")).map((name) => `docs/stations/${name}`);

describe("the JSON Schema accepts", () => {
    test.each([...stackFiles, ...drillStations, ...examples])("%s", (path) => {
        expect(mistakes(parse(read(path)))).toEqual([]);
    });

    test("what Pulumi and providers add to a stack's file", () => {
        const file = parseDocument(read("Pulumi.prod.yaml"));
        file.setIn(["encryptionsalt"], "v1:abc");
        file.setIn(["secretsprovider"], "awskms://alias/aerial");
        file.setIn(["encryptedkey"], "abc");
        file.setIn(["config", "aws:skipMetadataApiCheck"], "true");
        file.setIn(["config", "aerial:token"], { secure: "abc" });
        expect(mistakes(file.toJS())).toEqual([]);
    });
});

describe("the JSON Schema refuses, with the path of the mistake,", () => {
    const station = "/config/aerial:station";
    const extra = "should NOT have additional properties";
    const oneOf = "should be equal to one of the allowed values";

    test.each([
        ["a wrong key", ["silence", "treshold"], -40, `${station}/silence ${extra}: treshold`],
        ["a wrong key in a list", ["relays", 1, "siez"], "x", `${station}/relays/1 ${extra}: siez`],
        ["a wrong key of the backup", ["backup", "lockdays"], 3, `${station}/backup ${extra}: lockdays`],
        ["an unknown region", ["relays", 1, "region"], "nyc9", `${station}/relays/1/region ${oneOf}`],
        ["an unknown size", ["masters", 0, "size"], "huge", `${station}/masters/0/size ${oneOf}`],
        [
            "a bitrate that the codec does not have",
            ["channels", 0, "formats", 1, "bitrateKbps"],
            320,
            `${station}/channels/0/formats/1/bitrateKbps ${oneOf}`,
        ],
        [
            "a number out of range",
            ["airtime", "volumeGiB"],
            5,
            `${station}/airtime/volumeGiB should be >= 10`,
        ],
        ["a text for a number", ["relays", 0, "count"], "3", `${station}/relays/0/count should be integer`],
        ["a missing section", ["dns"], undefined, `${station} should have required property 'dns'`],
    ])("%s", (_, path, value, mistake) => {
        const file = parseDocument(read("Pulumi.prod.yaml"));
        const keys = ["config", "aerial:station", ...path];
        if (value === undefined) {
            file.deleteIn(keys);
        } else {
            file.setIn(keys, value);
        }
        expect(mistakes(file.toJS())).toContain(mistake);
    });

    test("a misspelt aerial:station", () => {
        const file = parse(read("Pulumi.prod.yaml").replace("aerial:station:", "aerial:staton:"));
        expect(mistakes(file)).toEqual(["/config should have required property 'aerial:station'"]);
    });
});

test.each(stackFiles)("the first line of %s names the JSON Schema, for editors", (path) => {
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(path)) ?? [];
    expect(schema).toBe("docs/configuration.schema.json");
});
