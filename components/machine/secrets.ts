import { posix } from "node:path";

import type { TextFormat } from "./escape";
import { jsonFile, textFile } from "./files";
import type { MachineFile } from "./role";

/*
 * Secrets of a machine. A role's files hold placeholders. The secrets reach the machine after its boot, and
 * `aerial-secrets` puts them in place of the placeholders. A renderer declares which secrets its files need
 * (`SecretNames`). Two checks compare this list: with the placeholders of the files, when these are rendered, and with the
 * secrets that the component gives, before it creates the machine (`givenSecrets.ts`).
 */

/** Which secrets the files of a role ask for. */
export interface SecretNames {
    /** Names of values: `@{relay.link}` asks for `relay.link`. */
    values: readonly string[];
    /** Names of files: `@{file.tls.key}` asks for `tls.key`. */
    files: readonly string[];
}

/** Name of the password that Relays and Masters pull with. */
export const linkPasswordName = "relay.link";

/** Name of the password of a channel's source. */
export function sourcePasswordName(channel: string, source: string): string {
    return `source.${channel}.${source}`;
}

/** What is missing, and what nobody asks for; undefined when the names are the same. */
export function difference(needed: readonly string[], given: readonly string[]): string | undefined {
    const missing = needed.filter((name) => !given.includes(name));
    const unused = given.filter((name) => !needed.includes(name));
    const parts = [
        ...(missing.length > 0 ? [`its files need ${missing.join(", ")}, which is not given`] : []),
        ...(unused.length > 0 ? [`no file needs ${unused.join(", ")}`] : []),
    ];
    return parts.length > 0 ? parts.join("; ") : undefined;
}

/**
 * A file whose text is complete only with secrets. Its content holds placeholders: `@{relay.link}` for a value,
 * `@{file.tls.key}` for a file, `@{local.admin}` for a random value that the machine makes once and keeps. Each is
 * escaped for the format.
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

/**
 * The templates of files with secrets, and the manifest by which `aerial-secrets` finds them.
 *
 * @throws when two of them would be the same file, or they ask for other secrets than these.
 */
export function secretFiles(files: SecretFile[], names: SecretNames): MachineFile[] {
    const templates = files.map(({ target }) => posix.basename(target));
    const twice = templates.find((name, index) => templates.indexOf(name) !== index);
    if (twice !== undefined) {
        throw new Error(`two files with secrets are named ${twice}`);
    }
    const asked = secretsAskedFor(files);
    for (const kind of ["values", "files"] as const) {
        const reason = difference(asked[kind], names[kind]);
        if (reason !== undefined) {
            throw new Error(
                `the secrets (${kind}) that a role declares are not those of its files: ${reason}`,
            );
        }
    }
    return [
        ...files.map(({ target, content }) =>
            textFile(posix.join(templateFolder, posix.basename(target)), content),
        ),
        jsonFile(
            posix.join(templateFolder, "manifest.json"),
            files.map(({ content: _content, ...entry }, index) => ({ template: templates[index], ...entry })),
        ),
    ];
}

/** Which secrets files ask for; those that a machine makes for itself are not among them. */
export function secretsAskedFor(files: Pick<SecretFile, "content">[]): SecretNames {
    const text = files.map(({ content }) => content).join("\n");
    const names = new Set([...text.matchAll(/@\{([^}|]+)(?:\|[^}]*)?\}/g)].map(([, name = ""]) => name));
    const delivered = [...names].filter((name) => !name.startsWith("local."));
    return {
        values: delivered.filter((name) => !name.startsWith("file.")),
        files: delivered.filter((name) => name.startsWith("file.")).map((name) => name.slice("file.".length)),
    };
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
