/** Values as XML, as the query protocol has it: lists are `member`s, what is undefined is left out. */
export function toXml(value: unknown): string {
    if (Array.isArray(value)) {
        return value.map((item) => `<member>${toXml(item)}</member>`).join("");
    }
    if (typeof value === "object" && value !== null) {
        return Object.entries(value)
            .filter(([, inner]) => inner !== undefined)
            .map(([name, inner]) => `<${name}>${toXml(inner)}</${name}>`)
            .join("");
    }
    return escapeXml(String(value));
}

function escapeXml(text: string): string {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A list of the query protocol: `Names.member.1=a&Names.member.2=b`. */
export function listOf(form: URLSearchParams, name: string): string[] {
    const values: string[] = [];
    for (let n = 1; form.has(`${name}.member.${n}`); n++) {
        values.push(form.get(`${name}.member.${n}`) ?? "");
    }
    return values;
}
