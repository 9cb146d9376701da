import type { MachineFile } from "./role";

/*
 * Secrets of a machine. A role's files hold placeholders. The secrets reach the machine beside the role, and there they
 * are put in place of the placeholders. A renderer declares which secrets its files need
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

/** Name of what Relays and Masters pull with: user and password, with a colon between. */
export const linkLoginName = "relay.link";

/** Name of a password of links that Masters accept. */
export function linkPasswordName(generation: number): string {
    return `relay.link.${generation}`;
}

/** Which generations of the link password files ask for by these names. */
export function acceptedLinkGenerations(generations: SecretGenerations): number[] {
    return Object.keys(generations)
        .filter((name) => name.startsWith(`${linkLoginName}.`))
        .map((name) => Number(name.slice(linkLoginName.length + 1)))
        .sort((one, other) => one - other);
}

/** Name of the password of a channel's source. */
export function sourcePasswordName(channel: string, source: string): string {
    return `source.${channel}.${source}`;
}

/** Name of a secret of the stack's configuration: `smtpPassword` there is `config.smtp-password` on machines. */
export function configSecretName(name: string): string {
    return `config.${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Which generations a secret is made of, by its name. One that is not named has no number by which it is rotated.
 */
export type SecretGenerations = Record<string, readonly number[]>;

/** What people call a secret that has a generation. */
export function secretTitle(name: string): string {
    const [kind = "", ...rest] = name.split(".");
    switch (kind) {
        case "relay":
            return "link password";
        case "source":
            return `password of ${rest.join("-")}`;
        case "backup":
        case "shows":
            return "backup's keys";
        case "recordings":
            return "recordings' keys";
        case "config":
            return `configured secret ${rest.join(".")}`;
        default:
            return fileTitles[name] ?? "certificate of links";
    }
}

const fileTitles: Record<string, string> = {
    "file.ca.pem": "trusted CAs",
    "file.machine.pem": "machine certificate",
    "file.machine.key": "machine certificate",
};

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
export type SecretFile = Required<MachineFile>;

/** @throws when files with secrets ask for others than these. */
export function refuseOtherSecrets(files: MachineFile[], names: SecretNames): void {
    const asked = secretsAskedFor(files.filter(({ secretFormat }) => secretFormat !== undefined));
    for (const kind of ["values", "files"] as const) {
        const reason = difference(asked[kind], names[kind]);
        if (reason !== undefined) {
            throw new Error(
                `the secrets (${kind}) that a role declares are not those of its files: ${reason}`,
            );
        }
    }
}

/** Which secrets files ask for; those that a machine makes for itself are not among them. */
export function secretsAskedFor(files: Pick<MachineFile, "content">[]): SecretNames {
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
