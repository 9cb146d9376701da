import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

import type { MachineFile } from "./role";

/** All files of a role as one list that `aerial-unpack` reads. */
export interface FilePack {
    /** The list, compressed by gzip. */
    compressed: Buffer;
    /** Of the list itself, in hexadecimal: compressors differ, the list does not. */
    sha256: string;
}

/** Where the list lies on a machine. */
export const packPath = "/var/lib/aerial/files.json";

/**
 * Packs files. All together, because scripts and units resemble each other and so compress better: otherwise a Master
 * with two channels would not fit into its user data. A fixed order and a header without a time stamp make sure that the
 * same role gives the same user data.
 */
export function packFiles(files: MachineFile[]): FilePack {
    const list = JSON.stringify(
        files.map(({ path, mode, owner = "root:root", content }) => ({ path, mode, owner, content })),
    );
    return {
        compressed: gzipSync(list, { level: 9 }),
        sha256: createHash("sha256").update(list).digest("hex"),
    };
}
