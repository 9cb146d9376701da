import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";

/*
 * How the engine writes special values in property maps. The signatures are fixed by Pulumi's protocol:
 * https://pulumi-developer-docs.readthedocs.io/latest/developer-docs/providers/
 */

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";

/** Stands for a value that is not known before another resource is made; only previews have it. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Properties = Record<string, unknown>;

export function isObject(value: unknown): value is Properties {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSecret(value: unknown): value is { value: unknown } {
    return isObject(value) && value[signatureKey] === secretSignature;
}

export function toSecret(value: unknown): Properties {
    return { [signatureKey]: secretSignature, value };
}

/** A file or text that the program passes as an asset, as `unwrap` leaves it. */
export interface TextOrFile {
    text?: string;
    path?: string;
    hash?: string;
}

export function isAsset(value: unknown): value is TextOrFile & Properties {
    return isObject(value) && value[signatureKey] === assetSignature;
}

/** The plain value: without marks of secrets, at any depth. */
function unwrap(value: unknown): unknown {
    if (isSecret(value)) {
        return unwrap(value.value);
    }
    if (Array.isArray(value)) {
        return value.map(unwrap);
    }
    if (isObject(value)) {
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrap(inner)]));
    }
    return value;
}

export function unwrapAll(properties: Properties): Properties {
    return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, unwrap(value)]));
}

/** Whether a value, or anything in it, is secret. */
export function holdsSecret(value: unknown): boolean {
    if (isSecret(value)) {
        return true;
    }
    if (Array.isArray(value)) {
        return value.some(holdsSecret);
    }
    return isObject(value) && Object.values(value).some(holdsSecret);
}

export function fromStruct(struct: Struct | undefined): Properties {
    return struct === undefined ? {} : struct.toJavaScript();
}

/** Writes properties for the engine; what is `undefined` is left out, as in JSON. */
export function toStruct(properties: Properties): Struct {
    const plain = JSON.parse(JSON.stringify(properties)) as Record<string, JavaScriptValue>;
    return Struct.fromJavaScript(plain);
}
