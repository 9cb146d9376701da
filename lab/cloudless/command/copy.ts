import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, posix } from "node:path";

import type { Client, SFTPWrapper, Stats } from "ssh2";
import { z } from "zod";

/** A file, a text, or a folder (as an archive by path), as the engine passes assets. */
export const sourceInput = z
    .looseObject({ path: z.string().optional(), text: z.string().optional(), hash: z.string().optional() })
    .refine((source) => source.path !== undefined || source.text !== undefined, {
        error: "asset must be a path-based file asset or a text asset",
    });

/** A callback function of SFTP as a promise. */
function asked<T>(call: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
}

async function remoteStat(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
    try {
        return await asked<Stats>((done) => sftp.stat(path, done));
    } catch {
        return undefined;
    }
}

async function makeFolders(sftp: SFTPWrapper, path: string): Promise<void> {
    if (path === "/" || path === "." || (await remoteStat(sftp, path))) {
        return;
    }
    await makeFolders(sftp, posix.dirname(path));
    await asked<void>((done) => sftp.mkdir(path, (error) => done(error, undefined)));
}

function write(sftp: SFTPWrapper, path: string, content: Buffer): Promise<void> {
    return asked((done) => sftp.writeFile(path, content, (error) => done(error, undefined)));
}

async function copyFolder(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
    await makeFolders(sftp, to);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
        const [source, target] = [join(from, entry.name), posix.join(to, entry.name)];
        if (entry.isDirectory()) {
            await copyFolder(sftp, source, target);
        } else {
            await write(sftp, target, readFileSync(source));
        }
    }
}

/** Copies as the real provider does: into a folder that is there, otherwise under the path that is given. */
export async function copyTo(
    client: Client,
    { source, remotePath }: { source: z.output<typeof sourceInput>; remotePath: string },
): Promise<void> {
    const sftp = await asked<SFTPWrapper>((done) => client.sftp(done));
    const present = await remoteStat(sftp, remotePath);
    const isFolder = present?.isDirectory() ?? false;
    if (source.path === undefined) {
        if (isFolder) {
            throw new Error(
                `remote path ${remotePath} is a directory; when using a text asset, remotePath must be a file path`,
            );
        }
        await makeFolders(sftp, posix.dirname(remotePath));
        await write(sftp, remotePath, Buffer.from(source.text ?? ""));
        return;
    }
    if (statSync(source.path).isDirectory()) {
        if (present && !isFolder) {
            throw new Error(`remote path ${remotePath} exists but is not a directory`);
        }
        const target = source.path.endsWith("/") ? remotePath : posix.join(remotePath, basename(source.path));
        await copyFolder(sftp, source.path, target);
        return;
    }
    if (!present) {
        await makeFolders(sftp, posix.dirname(remotePath));
    }
    const target = isFolder ? posix.join(remotePath, basename(source.path)) : remotePath;
    await write(sftp, target, readFileSync(source.path));
}
