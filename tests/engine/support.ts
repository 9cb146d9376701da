import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { DeployedResource, Deployment } from "../../lab/engine/run";

const folders: string[] = [];

/** A folder for one lab, removed by `removeLabFolders`. */
export function labFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), "aerial-engine-"));
    folders.push(folder);
    return folder;
}

export function removeLabFolders(): void {
    for (const folder of folders.splice(0)) {
        rmSync(folder, { recursive: true, force: true });
    }
}

const signature = "4dabf18193072939515e22adb298388d";

function isSecret(value: unknown): value is { plaintext: string } {
    return typeof value === "object" && value !== null && signature in value && "plaintext" in value;
}

/** A value of a deployment without marks of secrets. */
export function reveal(value: unknown): unknown {
    if (isSecret(value)) {
        return reveal(JSON.parse(value.plaintext));
    }
    if (Array.isArray(value)) {
        return value.map(reveal);
    }
    if (typeof value === "object" && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
    }
    return value;
}

export function nameOf({ urn }: { urn: string }): string {
    return urn.split("::").at(-1) ?? urn;
}

/** Resources of a kind such as `Droplet`. */
export function ofKind(deployment: Deployment, kind: string): DeployedResource[] {
    return (deployment.resources ?? []).filter(({ type }) => type.endsWith(`:${kind}`));
}

/** All files below a folder. */
export function filesBelow(folder: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
        .map((name) => join(folder, name))
        .filter((file) => statSync(file).isFile());
}

/**
 * A line that would give a key away, one with private bits: the first of a PEM file; in OpenSSH's files the seed of an
 * ED25519 key stands in the last line but one, and that of an ECDSA key in the last.
 */
function tellingLine(file: string, algorithm: unknown): string {
    const lines = file.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
    return (file.includes("OPENSSH") ? lines.at(algorithm === "ED25519" ? -2 : -1) : lines[0]) ?? "";
}

/** Secrets that the program made: passwords and private keys, each by a line that would give it away. */
export function generatedSecrets(deployment: Deployment): { name: string; text: string }[] {
    const passwords = ofKind(deployment, "RandomPassword").map((resource) => ({
        name: nameOf(resource),
        text: String(reveal(resource.outputs?.result)),
    }));
    const keys = ofKind(deployment, "PrivateKey").flatMap((resource) =>
        ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"].map((output) => ({
            name: nameOf(resource),
            text: tellingLine(String(reveal(resource.outputs?.[output])), resource.inputs?.algorithm),
        })),
    );
    return [...passwords, ...keys].filter(({ text }) => text !== "");
}

/** Which of the secrets stand in a text. */
export function found(secrets: readonly { name: string; text: string }[], text: string): string[] {
    return secrets.filter((secret) => text.includes(secret.text)).map((secret) => secret.name);
}

export function readAll(files: readonly string[]): string {
    return files.map((file) => readFileSync(file, "utf8")).join("\n");
}
