import { z } from "zod";

import {
    encrypted,
    maxParameterBytes,
    parameterKey,
    parameters,
    plainValue,
    type ParameterRecord,
} from "../../compute/parameters";
import { publicParameters } from "../../compute/facts";
import { exclusively } from "../../../cloud/records";
import { ApiRefusal, authorize, type Call } from "./operation";

/* Systems Manager, as far as parameters. Its requests and answers are JSON. */

/** The most that a page of GetParametersByPath holds. */
const pageSize = 10;

type Operation = (input: unknown, call: Call) => Promise<object>;

function arnOf({ caller, region }: Call, name: string): string {
    return `arn:aws:ssm:${region}:${caller.accountId}:parameter${name.startsWith("/") ? name : `/${name}`}`;
}

function shown(record: ParameterRecord, withDecryption: boolean): object {
    return {
        Name: record.name,
        Type: record.type,
        // Without decryption, clients get what is stored.
        Value: withDecryption ? plainValue(record) : record.value,
        Version: record.version,
        LastModifiedDate: record.modifiedAt / 1000,
        ARN: record.arn,
        DataType: "text",
    };
}

function find(name: string, region: string): ParameterRecord | undefined {
    const value = publicParameters[name];
    if (value !== undefined) {
        const arn = `arn:aws:ssm:${region}::parameter${name}`;
        return { urn: "", region, name, arn, type: "String", value, version: 1, modifiedAt: 0 };
    }
    return parameters.get(parameterKey(region, name));
}

const one = z.looseObject({ Name: z.string(), WithDecryption: z.boolean().default(false) });
const several = z.looseObject({
    Names: z.array(z.string()).min(1).max(10),
    WithDecryption: z.boolean().default(false),
});
const path = z.looseObject({
    Path: z.string().regex(/^\//, "The parameter path must begin with /"),
    Recursive: z.boolean().default(false),
    WithDecryption: z.boolean().default(false),
    MaxResults: z.int().min(1).max(pageSize).default(pageSize),
    NextToken: z.string().optional(),
});
const put = z.looseObject({
    Name: z.string(),
    Value: z.string().min(1),
    Type: z.enum(["String", "SecureString"]).optional(),
    Overwrite: z.boolean().default(false),
});

export const ssm: Readonly<Record<string, Operation>> = {
    async GetParameter(input, call) {
        const { Name, WithDecryption } = one.parse(input);
        authorize(call, "ssm:GetParameter", arnOf(call, Name));
        const record = find(Name, call.region);
        if (!record) {
            throw new ApiRefusal("ParameterNotFound", "");
        }
        return { Parameter: shown(record, WithDecryption) };
    },

    async GetParameters(input, call) {
        const { Names, WithDecryption } = several.parse(input);
        for (const name of Names) {
            authorize(call, "ssm:GetParameters", arnOf(call, name));
        }
        const found = Names.map((name) => ({ name, record: find(name, call.region) }));
        return {
            Parameters: found.flatMap(({ record }) => (record ? [shown(record, WithDecryption)] : [])),
            InvalidParameters: found.filter(({ record }) => !record).map(({ name }) => name),
        };
    },

    async GetParametersByPath(input, call) {
        const given = path.parse(input);
        authorize(call, "ssm:GetParametersByPath", arnOf(call, given.Path));
        const folder = given.Path.endsWith("/") ? given.Path : `${given.Path}/`;
        const below = parameters
            .all()
            .filter(({ region, name }) => region === call.region && name.startsWith(folder))
            .filter(({ name }) => given.Recursive || !name.slice(folder.length).includes("/"))
            .sort((first, second) => (first.name < second.name ? -1 : 1));
        const from = given.NextToken === undefined ? 0 : Number(given.NextToken);
        if (!Number.isInteger(from) || from < 0) {
            throw new ApiRefusal("InvalidNextToken", "The specified token isn't valid.");
        }
        const page = below.slice(from, from + given.MaxResults);
        const next = from + page.length;
        return {
            Parameters: page.map((record) => shown(record, given.WithDecryption)),
            ...(next < below.length && { NextToken: String(next) }),
        };
    },

    async PutParameter(input, call) {
        const given = put.parse(input);
        authorize(call, "ssm:PutParameter", arnOf(call, given.Name));
        if (Buffer.byteLength(given.Value) > maxParameterBytes) {
            throw new ApiRefusal(
                "ValidationException",
                `Standard tier parameters support a maximum parameter value of ${maxParameterBytes} characters.`,
            );
        }
        return exclusively(async () => {
            const before = parameters.get(parameterKey(call.region, given.Name));
            if (before && !given.Overwrite) {
                throw new ApiRefusal(
                    "ParameterAlreadyExists",
                    "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
                );
            }
            const type = given.Type ?? before?.type;
            if (type === undefined) {
                throw new ApiRefusal(
                    "ValidationException",
                    "A parameter type is required when you create a parameter.",
                );
            }
            const version = (before?.version ?? 0) + 1;
            parameters.put(parameterKey(call.region, given.Name), {
                ...{ urn: before?.urn ?? "", region: call.region, name: given.Name, type, version },
                arn: arnOf(call, given.Name),
                value: type === "SecureString" ? encrypted(given.Value) : given.Value,
                modifiedAt: Date.now(),
            });
            return { Version: version, Tier: "Standard" };
        });
    },
};
