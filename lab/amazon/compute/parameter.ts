import { z } from "zod";

import { providerFunction, resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing } from "./api";
import { publicParameters } from "./facts";
import { oneOf, region, tags, text } from "./inputs";
import { encrypted, maxParameterBytes, parameterKey, parameters, type ParameterRecord } from "./parameters";

const inputs = z
    .strictObject({
        region,
        name: z
            .string()
            .max(2048)
            .regex(
                /^\/?[a-zA-Z0-9_.-]+(\/[a-zA-Z0-9_.-]+){0,14}$/,
                'Parameter name: can\'t be prefixed with "ssm" or "aws", only a-zA-Z0-9_.-/ are allowed, ' +
                    "and a path begins with / and has 15 levels at most",
            )
            .refine((name) => !/^\/?(aws|ssm)/i.test(name), {
                error: 'Parameter name: can\'t be prefixed with "ssm" or "aws" (case-insensitive).',
            })
            .optional(),
        type: oneOf(["String", "SecureString"]),
        value: z.string().min(1, "Parameter value can't be empty"),
        description: z.string().max(1024).optional(),
        tier: oneOf(["Standard"]).default("Standard"),
        overwrite: z.boolean().optional(),
        tags: tags.optional(),
    })
    .refine(({ value }) => Buffer.byteLength(value) <= maxParameterBytes, {
        path: ["value"],
        error: (issue) => {
            const { value } = issue.input as { value: string };
            return (
                `Standard tier parameters support a maximum parameter value of ${maxParameterBytes} characters; ` +
                `this one has ${Buffer.byteLength(value)} bytes`
            );
        },
    });
type Inputs = z.output<typeof inputs>;

const operation = "SSM: PutParameter";

function put(given: Inputs, record: Omit<ParameterRecord, "type" | "value" | "modifiedAt">): ParameterRecord {
    const { type } = given;
    const value = type === "SecureString" ? encrypted(given.value) : given.value;
    const next = { ...record, type, value, modifiedAt: Date.now() };
    parameters.put(parameterKey(given.region, record.name), next);
    return next;
}

function outputsOf(record: ParameterRecord, given: Inputs) {
    return {
        name: record.name,
        arn: record.arn,
        version: record.version,
        dataType: "text",
        ...(record.type === "SecureString" && { keyId: "alias/aws/ssm" }),
        tagsAll: given.tags ?? {},
    };
}

/** A parameter of Systems Manager. Its value is a secret in the state, whatever its type, as with the real provider. */
export const parameter = resourceKind({
    type: "aws:ssm/parameter:Parameter",
    inputs,
    fromProvider: ["region"],
    secretOutputs: ["value"],

    create: (given, context) =>
        doing("creating SSM Parameter", () =>
            exclusively(async () => {
                const name = given.name ?? context.name;
                if (parameters.get(parameterKey(given.region, name)) && !given.overwrite) {
                    throw new AwsError(
                        operation,
                        "ParameterAlreadyExists",
                        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
                    );
                }
                const path = name.startsWith("/") ? name : `/${name}`;
                const arn = `arn:aws:ssm:${given.region}:${accountFor(context)}:parameter${path}`;
                const record = put(given, { urn: context.urn, region: given.region, name, arn, version: 1 });
                return { id: name, outputs: outputsOf(record, given) };
            }),
        ),

    read: async ({ id, inputs: given, outputs }) => {
        const record = parameters.get(parameterKey(given.region, id));
        return record && { ...outputs, ...outputsOf(record, given) };
    },

    update: ({ id }, given) =>
        doing(`updating SSM Parameter (${id})`, () =>
            exclusively(async () => {
                const record = parameters.get(parameterKey(given.region, id));
                if (!record) {
                    throw new AwsError(operation, "ParameterNotFound", "");
                }
                return outputsOf(put(given, { ...record, version: record.version + 1 }), given);
            }),
        ),

    delete: async ({ id, inputs: given }) => parameters.remove(parameterKey(given.region, id)),
});

/** Parameters that everybody may read: the ids of Debian's images. */
export const getParameter = providerFunction({
    token: "aws:ssm/getParameter:getParameter",
    inputs: z.strictObject({ region, name: text, withDecryption: z.boolean().optional() }),
    fromProvider: ["region"],

    answer: async ({ region: place, name, withDecryption = true }) => {
        const value = publicParameters[name];
        if (value === undefined) {
            throw new Error(
                `reading SSM Parameter (${name}): couldn't find resource; the lab publishes ` +
                    Object.keys(publicParameters).join(", "),
            );
        }
        return {
            ...{ id: name, name, region: place, type: "String", value, insecureValue: value, version: 1 },
            ...{ arn: `arn:aws:ssm:${place}::parameter${name}`, withDecryption },
        };
    },
});
