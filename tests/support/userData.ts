import { gunzipSync } from "node:zlib";

import { parse } from "yaml";

interface WriteFile {
    path: string;
    content: string;
    encoding?: string;
}

/** The files that user data writes, by path, as they will be on the machine. */
export function filesOf(userData: string): Record<string, string> {
    const { write_files: files } = parse(userData) as { write_files: WriteFile[] };
    return Object.fromEntries(
        files.map((file) => [
            file.path,
            file.encoding === "gz+b64"
                ? gunzipSync(Buffer.from(file.content, "base64")).toString("utf8")
                : file.content,
        ]),
    );
}
