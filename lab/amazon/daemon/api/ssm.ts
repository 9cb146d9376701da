import { z } from "zod";

import { maxParameterBytes, publicParameters } from "../../facts";
import { encrypted, plainValue } from "../../keys";
import { parameterKey, parameters, type ParameterRecord } from "../../records";
import { exclusively } from "../../../cloud/records";
import { ApiRefusal, authorize, type Call } from "./operation";

/* Systems Manager, as far as parameters. Its requests and answers are JSON. */

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
    return parameters.get(parameterKey({ region, name }));
}

const one = z.looseObject({ Name: z.string(), WithDecryption: z.boolean().default(false) });
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

    async PutParameter(input, call) {
        const given = put.parse(input);
        const { region } = call;
        const { Name: name, Value, Overwrite } = given;
        authorize(call, "ssm:PutParameter", arnOf(call, name));
        if (Buffer.byteLength(Value) > maxParameterBytes) {
            throw new ApiRefusal(
                "ValidationException",
                `Standard tier parameters support a maximum parameter value of ${maxParameterBytes} characters.`,
            );
        }
        return exclusively(async () => {
            const before = parameters.get(parameterKey({ region, name }));
            if (before && !Overwrite) {
                throw new ApiRefusal(
                    "ParameterAlreadyExists",
                    "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
                );
            }
            const type = given.Type ?? before?.type;
            if (type === undefined) {
                const said = "A parameter type is required when you create a parameter.";
                throw new ApiRefusal("ValidationException", said);
            }
            const version = (before?.version ?? 0) + 1;
            parameters.put(parameterKey({ region, name }), {
                ...{ urn: before?.urn ?? "", region, name, type, version, arn: arnOf(call, name) },
                value: type === "SecureString" ? encrypted(Value) : Value,
                modifiedAt: Date.now(),
            });
            return { Version: version, Tier: "Standard" };
        });
    },
};
