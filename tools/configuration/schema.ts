import { z } from "zod";

import { stationSchema } from "../../config/schema";

/** JSON Schema (draft 7, which YAML language servers know best), as far as the configuration uses it. */
export interface JsonSchema {
    type?: string;
    title?: string;
    description?: string;
    /** Ours: what a number counts or measures. Validators ignore it. */
    unit?: string;
    examples?: unknown[];
    default?: unknown;
    const?: unknown;
    enum?: unknown[];
    /** What each value of `enum` is; editors show it beside the value. */
    enumDescriptions?: string[];
    minimum?: number;
    exclusiveMinimum?: number;
    maximum?: number;
    properties?: Record<string, JsonSchema>;
    /** Of an object whose keys are names of the station's: what each value is. */
    additionalProperties?: boolean | JsonSchema;
    required?: string[];
    items?: JsonSchema;
    anyOf?: JsonSchema[];
    [keyword: string]: unknown;
}

/** JSON Schema of a stack's file: `aerial:station`, other keys of the configuration, and what Pulumi adds. */
export function stackFileSchema(): JsonSchema {
    return {
        $schema: "http://json-schema.org/draft-07/schema#",
        title: "A stack of Aerial",
        type: "object",
        required: ["config"],
        additionalProperties: false,
        properties: {
            config: {
                description: "Configuration of the stack. Keys of providers may stand beside aerial:station.",
                type: "object",
                required: ["aerial:station"],
                properties: { "aerial:station": { description: "The station.", ...stationJsonSchema() } },
            },
            ...managedByPulumi,
        },
    };
}

const text: JsonSchema = { type: "string" };

/** Keys that Pulumi writes, or reads for itself. */
const managedByPulumi: Record<string, JsonSchema> = {
    secretsprovider: { description: "What encrypts the stack's secrets. Written by Pulumi.", ...text },
    encryptedkey: { description: "Key of the stack's secrets, encrypted. Written by Pulumi.", ...text },
    encryptionsalt: {
        description: "Salt of the passphrase of the stack's secrets. Written by Pulumi.",
        ...text,
    },
    environment: { description: "Environments of Pulumi ESC that the stack imports." },
};

/** JSON Schema of `aerial:station`, from its schema in `config/`. */
export function stationJsonSchema(): JsonSchema {
    return inputSchema(stationSchema);
}

function inputSchema(schema: z.core.$ZodType): JsonSchema {
    const { $schema: _, ...keywords } = z.toJSONSchema(schema, {
        // What people write: keys with a default may be absent.
        io: "input",
        target: "draft-7",
        override: ({ zodSchema, jsonSchema }) => {
            const { inputForm, examples } = z.globalRegistry.get(zodSchema) ?? {};
            if (inputForm instanceof z.ZodType) {
                delete jsonSchema.inputForm;
                Object.assign(jsonSchema, inputSchema(inputForm));
            }
            // zod leaves out examples and defaults of what is transformed. Ours are the same before and after.
            if (Array.isArray(examples)) {
                jsonSchema.examples = examples;
            }
            if (zodSchema._zod.def.type === "default") {
                jsonSchema.default = zodSchema._zod.def.defaultValue;
            }
            // zod adds JavaScript's own limits of whole numbers.
            if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) {
                delete jsonSchema.maximum;
            }
            if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) {
                delete jsonSchema.minimum;
            }
            // Validators divide in binary: for some of them 0.1 is no multiple of 0.01.
            if (jsonSchema.multipleOf !== undefined && !Number.isInteger(jsonSchema.multipleOf)) {
                delete jsonSchema.multipleOf;
            }
        },
    });
    return keywords as JsonSchema;
}
