import { posix } from "node:path";

import { command, each, jsonFile, pythonModule, staticFile, unit } from "../machine/files";
import type { MachineFile } from "../machine/role";
import {
    refusePlaceholders,
    type SecretFile,
    type SecretGenerations,
    type SecretNames,
} from "../machine/secrets";

/** What the machine of the playout software is told about its backup: plain values. */
export interface BackupRolePlan {
    /** Amazon's region of both buckets. */
    region: string;
    showsBucket: string;
    archiveBucket: string;
    /** The folder of each channel's shows, absolute. Paths of shows in the database begin with its last part. */
    libraries: { channel: string; path: string }[];
    /** Who can read dumps: a line `ssh-ed25519 …`. */
    recipient: string;
    /** `command` starts PostgreSQL's programs where and as whom they must run. Absent where there is no database. */
    database?: { name: string; command: string[] };
    /** Absolute paths of files and folders that are archived daily. */
    configuration: string[];
    /** `user:group` of restored shows; root's when absent. */
    restoreOwner?: string;
}

/** What a role that has shows puts on its machine for their backup. */
export interface BackupFiles {
    packages: string[];
    /** They ask for {@link backupSecrets}. */
    files: MachineFile[];
    /** Timers, to be enabled. */
    units: string[];
}

const stateFolder = "/var/lib/aerial/backup";

const modules = [
    "archive",
    "audit",
    "database",
    "drill",
    "library",
    "naming",
    "records",
    "restore",
    "restore_archives",
    "results",
    "settings",
    "status",
    "store",
    "upload",
];

/** What timers start, each an instance of `aerial-backup@.service`. */
const runs = ["upload", "dump", "configuration", "audit", "audit-quick", "drill", "drill-all"];

/** Names of the keys to the buckets: the writer may put, the reader may read. */
export const backupKeys = {
    writer: { id: "backup.writer.id", secret: "backup.writer.secret" },
    reader: { id: "backup.reader.id", secret: "backup.reader.secret" },
} as const;

/** The same of all of these keys: they are rotated together. */
export function generationsOfKeys(generation: number): SecretGenerations {
    const names = Object.values(backupKeys).flatMap(({ id, secret }) => [id, secret]);
    return Object.fromEntries(names.map((name) => [name, [generation]]));
}

/** Name of the file with the key that dumps are decrypted with. */
export const dumpKey = "backup.key";

/** The secrets that the backup's files ask for. */
export const backupSecrets: SecretNames = {
    values: Object.values(backupKeys).flatMap(({ id, secret }) => [id, secret]),
    files: [dumpKey],
};

/** Profiles of Amazon's clients. */
const credentials = Object.entries(backupKeys)
    .map(
        ([name, { id, secret }]) =>
            `[${name}]\naws_access_key_id = @{${id}}\naws_secret_access_key = @{${secret}}\n`,
    )
    .join("\n");

/**
 * Renders what uploads shows, dumps the database, audits, drills and restores: `aerial-backup`, `aerial-restore`,
 * their settings and their timers.
 *
 * @throws when a value cannot be used, for example a path that is not absolute, or two channels of one name.
 */
export function backupFiles(plan: BackupRolePlan): BackupFiles {
    check(plan);
    const timers = runs.filter((run) => run !== "dump" || plan.database);
    const dropIn = (run: string, name: string) =>
        staticFile(`/etc/systemd/system/aerial-backup@${run}.service.d/${name}`, `backup/timers/${name}`);
    return {
        // Where there is a database, its role brings PostgreSQL's programs.
        packages: ["age", "ffmpeg", "python3", "python3-boto3"],
        files: [
            jsonFile("/etc/aerial/backup.json", settings(plan)),
            pythonModule("machine/python/audio.py"),
            ...modules.map((name) => pythonModule(`backup/backup/${name}.py`, "backup")),
            ...each("backup/commands", ["aerial-backup.py", "aerial-restore.py"], command),
            unit("backup/timers/aerial-backup@.service"),
            ...timers.map((run) => unit(`backup/timers/aerial-backup-${run}.timer`)),
            ...["audit", "audit-quick", "drill", "drill-all"].map((run) => dropIn(run, "idle.conf")),
            ...["drill", "drill-all"].map((run) => dropIn(run, "clean.conf")),
            secret("/etc/aerial/backup/credentials", credentials),
            secret("/etc/aerial/backup/key", `@{file.${dumpKey}}`),
        ],
        units: timers.map((run) => `aerial-backup-${run}.timer`),
    };
}

function settings(plan: BackupRolePlan): object {
    const { region, showsBucket, archiveBucket, libraries, recipient, configuration, restoreOwner } = plan;
    return {
        region,
        showsBucket,
        archiveBucket,
        libraries,
        recipient: recipient.trim(),
        database: plan.database ?? null,
        configuration,
        state: stateFolder,
        restoreOwner,
    };
}

function check(plan: BackupRolePlan): void {
    refusePlaceholders(plan);
    // age also takes files and plugins as recipients: only keys of this kind are what the station makes.
    if (!/^ssh-ed25519 [A-Za-z0-9+/=]+( [^\n]*)?\s*$/.test(plan.recipient)) {
        throw new Error(`${JSON.stringify(plan.recipient)} is not a recipient: use a line "ssh-ed25519 …"`);
    }
    const channels = plan.libraries.map(({ channel }) => channel);
    const twice = channels.find((channel, index) => channels.indexOf(channel) !== index);
    if (twice !== undefined) {
        throw new Error(`channel ${JSON.stringify(twice)} has two libraries; use one folder for its shows`);
    }
    if (plan.libraries.length === 0) {
        throw new Error("a backup needs at least one library: the folder of a channel's shows");
    }
    const slashed = channels.find((channel) => !/^[^/\s]+$/.test(channel) || channel.startsWith("."));
    if (slashed !== undefined) {
        throw new Error(`channel ${JSON.stringify(slashed)} cannot be a folder's name`);
    }
    for (const path of [...plan.libraries.map((library) => library.path), ...plan.configuration]) {
        if (!posix.isAbsolute(path) || posix.normalize(path) !== path || path.endsWith("/")) {
            throw new Error(
                `${JSON.stringify(path)} must be an absolute path without . or .. or a / at its end`,
            );
        }
    }
}

function secret(path: string, content: string): SecretFile {
    return { path, secretFormat: "raw", content, owner: "root:root", mode: "0600" };
}
