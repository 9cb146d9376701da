import { posix } from "node:path";

import { refusePlaceholders, type SecretFile } from "../machine/delivery";
import type { MachineFile } from "../machine/role";
import { readTemplate } from "../machine/template";

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
export interface BackupHostFiles {
    packages: string[];
    files: MachineFile[];
    /** Filled in by the values `backup.writer.id`, `….secret`, `backup.reader.id`, `….secret`, and file `backup.key`. */
    secretFiles: SecretFile[];
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

/** Profiles of the writer, which may put, and of the reader, which may read. */
const credentials = ["writer", "reader"]
    .map(
        (name) =>
            `[${name}]\naws_access_key_id = @{backup.${name}.id}\n` +
            `aws_secret_access_key = @{backup.${name}.secret}\n`,
    )
    .join("\n");

/**
 * Renders what uploads shows, dumps the database, audits, drills and restores: `aerial-backup`, `aerial-restore`,
 * their settings and their timers.
 *
 * @throws when a value cannot be used, for example a path that is not absolute, or two channels of one name.
 */
export function backupHostFiles(plan: BackupRolePlan): BackupHostFiles {
    check(plan);
    const timers = runs.filter((run) => run !== "dump" || plan.database);
    const dropIn = (run: string, name: string) =>
        file(`/etc/systemd/system/aerial-backup@${run}.service.d/${name}`, `backup/units/${name}`);
    return {
        // Where there is a database, its role brings PostgreSQL's programs.
        packages: ["age", "ffmpeg", "python3", "python3-boto3"],
        files: [
            { path: "/etc/aerial/backup.json", content: settings(plan), mode: "0644" },
            ...modules.map((name) => file(`/usr/local/lib/aerial/backup/${name}.py`, `backup/${name}.py`)),
            ...["aerial-backup", "aerial-restore"].map((name) =>
                file(`/usr/local/sbin/${name}`, `backup/${name}`, "0755"),
            ),
            file("/etc/systemd/system/aerial-backup@.service", "backup/units/aerial-backup@.service"),
            ...timers.map((run) =>
                file(
                    `/etc/systemd/system/aerial-backup-${run}.timer`,
                    `backup/units/aerial-backup-${run}.timer`,
                ),
            ),
            ...["audit", "audit-quick", "drill", "drill-all"].map((run) => dropIn(run, "idle.conf")),
            ...["drill", "drill-all"].map((run) => dropIn(run, "clean.conf")),
        ],
        secretFiles: [
            secret("/etc/aerial/backup/credentials", credentials),
            secret("/etc/aerial/backup/key", "@{file.backup.key}"),
        ],
        units: timers.map((run) => `aerial-backup-${run}.timer`),
    };
}

function settings(plan: BackupRolePlan): string {
    const { region, showsBucket, archiveBucket, libraries, recipient, configuration, restoreOwner } = plan;
    const given = {
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
    return `${JSON.stringify(given, null, 4)}\n`;
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

function file(path: string, template: string, mode = "0644"): MachineFile {
    return { path, content: readTemplate(template), mode };
}

function secret(target: string, content: string): SecretFile {
    return { target, format: "raw", content, owner: "root:root", mode: "0600", reload: [] };
}
