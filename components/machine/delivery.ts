import { posix } from "node:path";

import { readTemplate } from "./template";
import type { TextFormat } from "./escape";
import type { MachineFile } from "./role";

/**
 * A file whose text is complete only with secrets, which reach the machine after boot. Its content holds placeholders:
 * `@{relay.link}` for a delivered value, `@{file.tls.key}` for a delivered file, `@{local.admin}` for a random value
 * that the machine makes once and tells nobody. `aerial-secrets` fills them in, escaped for the format.
 */
export interface SecretFile {
    /** Absolute path of the finished file. */
    target: string;
    /** `htpasswd` writes a value as Icecast's MD5 of it, `yaml` quoted, `raw` as it is (for PEM files). */
    format: TextFormat | "htpasswd" | "yaml" | "raw";
    content: string;
    /** `user:group`; the group is that of the service which reads it. */
    owner: string;
    /** Octal permissions. */
    mode: string;
    /** Units that are reloaded in place when the finished file has changed. */
    reload: string[];
}

const templateFolder = "/etc/aerial/templates";

/** What the tools of {@link machineTools} need installed. */
export const toolPackages = ["python3", "espeak-ng", "ffmpeg"];

/** Programs and the target that every role has: secrets, readiness, announcements, and `aerial.target` over its units. */
export function machineTools(): MachineFile[] {
    const program = (name: string): MachineFile => ({
        path: `/usr/local/sbin/${name}`,
        content: readTemplate(`machine/${name}`),
        mode: "0755",
    });
    return [
        program("aerial-secrets"),
        program("aerial-ready"),
        program("aerial-announcement"),
        pythonModule("files"),
        {
            path: "/etc/systemd/system/aerial.target",
            content: readTemplate("machine/aerial.target"),
            mode: "0644",
        },
    ];
}

/** A module that programs in Python share; those of {@link machineTools} need `files`, which every role has. */
export function pythonModule(name: "audio" | "files"): MachineFile {
    return {
        path: `/usr/local/lib/aerial/${name}.py`,
        content: readTemplate(`machine/python/${name}.py`),
        mode: "0644",
    };
}

/**
 * The templates of files with secrets, and the manifest by which `aerial-secrets` finds them.
 *
 * @throws when two of them would be the same file.
 */
export function secretFiles(files: SecretFile[]): MachineFile[] {
    const entries = files.map(({ content: _content, ...entry }) => ({
        template: posix.basename(entry.target),
        ...entry,
    }));
    const names = entries.map((entry) => entry.template);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
        throw new Error(`two files with secrets are named ${twice}`);
    }
    return [
        ...files.map((file) => ({
            path: posix.join(templateFolder, posix.basename(file.target)),
            content: file.content,
            mode: "0644",
        })),
        {
            path: posix.join(templateFolder, "manifest.json"),
            content: `${JSON.stringify(entries, null, 4)}\n`,
            mode: "0644",
        },
    ];
}

/**
 * Refuses plain values that would be read as a placeholder for a secret: a channel named `@{relay.link}` must not
 * publish a password.
 */
export function refusePlaceholders(values: unknown): void {
    const text = JSON.stringify(values) ?? "";
    if (text.includes("@{")) {
        throw new Error(
            `"@{" starts a secret's placeholder on machines and cannot be part of a name or title`,
        );
    }
}
