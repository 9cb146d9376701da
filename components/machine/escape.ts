/** Formats that templates are written in. YAML and JSON are made by serialisers, never by a template. */
export type TextFormat = "xml" | "liquidsoap" | "nginx" | "shell" | "unit";

/** A value a template may hold. Numbers and booleans are written plainly in every format. */
type Scalar = string | number | boolean;

const controlCharacter = /[\u0000-\u001f\u007f]/;

function refuse(format: TextFormat, value: string, why: string): never {
    throw new Error(`${JSON.stringify(value)} cannot be written in a ${format} file: ${why}`);
}

/** Text or attribute value of XML 1.0. */
export function escapeXml(value: string): string {
    if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value)) {
        refuse("xml", value, "XML 1.0 has no such character");
    }
    const entities: Record<string, string> = {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&apos;",
    };
    return value.replace(/[&<>"']/g, (c) => entities[c] ?? c);
}

/** A quoted Liquidsoap string. `#{` would start an interpolation, so `#` is written by its code. */
export function escapeLiquidsoap(value: string): string {
    if (controlCharacter.test(value)) {
        refuse("liquidsoap", value, "it holds a control character");
    }
    return `"${value.replace(/[\\"]/g, "\\$&").replace(/#/g, "\\x23")}"`;
}

/** A quoted NGINX parameter. NGINX has no escape for `$`, which would start a variable. */
export function escapeNginx(value: string): string {
    if (controlCharacter.test(value)) {
        refuse("nginx", value, "it holds a control character");
    }
    if (value.includes("$")) {
        refuse("nginx", value, "NGINX would read $ as a variable, and has no escape for it");
    }
    return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

/** One shell word in single quotes. */
export function escapeShell(value: string): string {
    if (value.includes("\u0000")) {
        refuse("shell", value, "it holds a NUL");
    }
    return `'${value.replace(/'/g, "'\\''")}'`;
}

/** One quoted word of a systemd unit: `%` starts a specifier and `$` a variable there. */
export function escapeUnit(value: string): string {
    if (controlCharacter.test(value)) {
        refuse("unit", value, "it holds a control character");
    }
    return `"${value.replace(/[\\"]/g, "\\$&").replace(/%/g, "%%").replace(/\$/g, "$$$$")}"`;
}

const escapers: Record<TextFormat, (value: string) => string> = {
    xml: escapeXml,
    liquidsoap: escapeLiquidsoap,
    nginx: escapeNginx,
    shell: escapeShell,
    unit: escapeUnit,
};

/** The escaping function of a format, which refuses anything that is not a plain value. */
export function escapeFor(format: TextFormat): (value: unknown) => string {
    const escape = escapers[format];
    return (value) => {
        if (!isScalar(value)) {
            throw new Error(`a value is missing or not plain: ${JSON.stringify(value) ?? "undefined"}`);
        }
        return typeof value === "string" ? escape(value) : String(value);
    };
}

function isScalar(value: unknown): value is Scalar {
    return (
        typeof value === "string" ||
        typeof value === "boolean" ||
        (typeof value === "number" && Number.isFinite(value))
    );
}
