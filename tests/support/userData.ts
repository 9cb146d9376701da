import { gunzipSync } from "node:zlib";

import { parse } from "yaml";
import { z } from "zod";

const cloudConfig = z.object({
    write_files: z.array(
        z.object({ path: z.string(), content: z.string(), encoding: z.string().optional() }),
    ),
});

const pack = z.array(
    z.object({ path: z.string(), mode: z.string(), owner: z.string(), content: z.string() }),
);

/** The files that user data makes, by path, as they will be on the machine. */
export function filesOf(userData: string): Record<string, string> {
    const { write_files: files } = cloudConfig.parse(parse(userData));
    return Object.fromEntries(
        files.flatMap(({ path, content, encoding }) =>
            encoding === "gz+b64"
                ? unpack(content).map((file) => [file.path, file.content] as const)
                : [[path, content] as const],
        ),
    );
}

/** The files of the one compressed list. */
export function unpack(content: string): z.infer<typeof pack> {
    return pack.parse(JSON.parse(gunzipSync(Buffer.from(content, "base64")).toString("utf8")));
}
