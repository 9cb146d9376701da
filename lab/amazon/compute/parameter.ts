import { z } from "zod";

import { providerFunction } from "../../cloud/kind";
import { refuse } from "../errors";
import { maxParameterBytes, publicParameters } from "../facts";
import { oneOf, region, tags, text } from "../inputs";
import { encrypted } from "../keys";
import { amazonKind } from "../kind";
import { parameterKey, parameters } from "../records";

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

function stored({ type, value }: z.output<typeof inputs>) {
    return { type, value: type === "SecureString" ? encrypted(value) : value, modifiedAt: Date.now() };
}

/** A parameter of Systems Manager. Its value is a secret in the state, whatever its type, as with the real provider. */
export const parameter = amazonKind({
    type: "aws:ssm/parameter:Parameter",
    title: "SSM Parameter",
    inputs,
    secretOutputs: ["value"],
    records: parameters,
    idOf: ({ name }) => name,
    key: (name, { region }) => parameterKey({ region, name }),

    make(given, { urn, account, ...context }) {
        const { region, name = context.name } = given;
        if (parameters.get(parameterKey({ region, name }))) {
            const said =
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            refuse("SSM: PutParameter", "ParameterAlreadyExists", said);
        }
        const path = name.startsWith("/") ? name : `/${name}`;
        const arn = `arn:aws:ssm:${region}:${account}:parameter${path}`;
        return { urn, region, name, arn, version: 1, ...stored(given) };
    },
    change: (record, given) => ({ ...record, ...stored(given), version: record.version + 1 }),

    outputs: ({ name, arn, version, type }) => ({
        ...{ name, arn, version, dataType: "text" },
        ...(type === "SecureString" && { keyId: "alias/aws/ssm" }),
    }),
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
