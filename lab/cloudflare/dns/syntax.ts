/*
 * gdnsd's configuration language: nested hashes, arrays and scalars. Values are built here and written in one place, so
 * that none can break out of its quotes.
 */

const scalarMark = Symbol("scalar");

interface Scalar {
    [scalarMark]: string;
}

export interface Hash {
    [key: string]: Scalar | Scalar[] | Hash;
}

export function scalar(value: string): Scalar {
    return { [scalarMark]: value };
}

export function array(values: readonly string[]): Scalar[] {
    return values.map(scalar);
}

function isScalar(value: Scalar | Hash): value is Scalar {
    return scalarMark in value;
}

/** Quoted, so that no character of it means anything. @throws on characters beyond printable ASCII. */
function quoted(text: string): string {
    if (!/^[\x20-\x7e]+$/.test(text)) {
        throw new Error(`${JSON.stringify(text)} cannot be written into a configuration of gdnsd`);
    }
    return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** The entries of a hash, one a line, without the braces around them. */
export function hash(entries: Hash, indent = ""): string {
    return Object.entries(entries)
        .map(([key, value]) => `${indent}${quoted(key)} => ${valueText(value, indent)}\n`)
        .join("");
}

function valueText(value: Scalar | Scalar[] | Hash, indent: string): string {
    if (Array.isArray(value)) {
        return `[ ${value.map((entry) => quoted(entry[scalarMark])).join(", ")} ]`;
    }
    return isScalar(value) ? quoted(value[scalarMark]) : `{\n${hash(value, `${indent}    `)}${indent}}`;
}
